import type { Coolify } from "../context.ts";
import { ok, PlainText, refuse, type Reply } from "../http/reply.ts";
import type { ApiRequest } from "../http/request.ts";
import { stateChange, type Route } from "../http/route.ts";

/** The instance itself: its version, and the API's switch, which only the root team (id 0) may turn (OtherController.php). */
export function instanceRoutes(coolify: Coolify): Route[] {
  const turn =
    (enabled: boolean, word: string) =>
    (request: ApiRequest): Reply => {
      if (request.teamId !== 0) throw refuse(403, `You are not allowed to ${word} the API.`);
      coolify.store.state.apiEnabled = enabled;
      return ok({ message: `API ${word}d.` });
    };
  const change = (path: string, handle: Route["handle"]): Route[] =>
    stateChange(coolify.version, { path, ability: "write", whenDisabled: true, handle }, "get");
  return [
    {
      method: "GET",
      path: "/version",
      ability: "read",
      handle: () => ({ status: 200, body: new PlainText(coolify.version.text) }),
    },
    ...change("/enable", turn(true, "enable")),
    ...change("/disable", turn(false, "disable")),
  ];
}
