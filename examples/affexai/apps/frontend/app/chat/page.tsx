import { publicApiUrl, sessionToken } from "../../lib/backend.ts";
import { Chat } from "./chat.tsx";

export const dynamic = "force-dynamic";

export default async function ChatPage() {
  if ((await sessionToken()) === undefined) return <p>Log in to join the chat.</p>;
  return <Chat url={`${publicApiUrl().replace(/^http/, "ws")}/chat`} />;
}
