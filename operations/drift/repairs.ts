import type { Difference, Repair } from "./spec.ts";

const byPerson = (what: string): Repair => ({ by: "a person", what });
const byRepair = (what: string): Repair => ({ by: "affexai drift --repair", what });

/**
 * Who puts a difference right. A plain `pulumi up` does not: equal inputs run nothing, and what a command manages is in no provider's
 * sight.
 */
export function repairOf({ kind, name, found, declared }: Difference): Repair {
  switch (kind) {
    case "replica":
      if (name === "surplus replica") return byRepair("takes it out of service");
      if (declared === null) return byPerson("nobody declares it: stop it in Coolify, or declare it");
      if (found !== null) return byPerson("names are not unique in Coolify: rename or delete the others");
      return byRepair("creates it and rolls it out");
    case "status":
      if (declared === "stopped") return byPerson("`affexai maintenance off` ends what somebody started");
      return byRepair("deploys it again");
    case "image":
    case "labels":
    case "description":
    case "answer":
    case "setting":
    case "variable":
      return byRepair("puts it back and rolls the application out behind its health gate");
    case "database":
      if (name === "status") return byRepair("starts it");
      if (name === "is_public") return byRepair("makes it private again");
      if (found === null) return byPerson("it is gone: restore it from a backup, or find out who deleted it");
      return byPerson("change it in Coolify in a maintenance window, or declare what it has");
    case "registry":
      return byRepair("logs the server in with REGISTRY_PASSWORD");
    case "place":
      return byPerson("put it back in Coolify, or declare what is there");
    case "role":
      return byRepair("gives the roles their rights again");
    case "ledger":
      return { by: "pulumi up", what: "with AFFEXAI_RELEASE set to the release that is meant" };
    case "provider":
      return { by: "pulumi up", what: "after `pulumi refresh` has taken what is there into the state" };
  }
}
