"use client";

import type { ChatMessageView } from "@affexai/shared-types";
import { useEffect, useRef, useState } from "react";

type Frame =
  | { event: "joined"; data: ChatMessageView[] }
  | { event: "message"; data: ChatMessageView }
  | { event: "refused"; data: string };

const reconnectMilliseconds = 1_000;

/** Joins again whenever the socket closes: a replica that is being replaced sends everybody away. */
export function Chat({ url }: { url: string }) {
  const [messages, setMessages] = useState<ChatMessageView[]>([]);
  const [notice, setNotice] = useState<string>();
  const socket = useRef<WebSocket>(undefined);

  useEffect(() => {
    let left = false;
    const join = async (): Promise<void> => {
      const token = await chatToken();
      if (left) return;
      const opened = new WebSocket(url);
      socket.current = opened;
      opened.onopen = () => opened.send(JSON.stringify({ event: "join", data: { token } }));
      opened.onclose = () => {
        if (!left) setTimeout(() => void join(), reconnectMilliseconds);
      };
      opened.onmessage = ({ data }: MessageEvent<string>) => {
        const frame = JSON.parse(data) as Frame;
        if (frame.event === "joined") setMessages(frame.data);
        else if (frame.event === "message") setMessages((before) => [...before, frame.data]);
        else setNotice(frame.data);
      };
    };
    void join();
    return () => {
      left = true;
      socket.current?.close();
    };
  }, [url]);

  const send = (form: FormData): void => {
    socket.current?.send(JSON.stringify({ event: "message", data: { text: form.get("text") } }));
  };
  return (
    <>
      <h1>Chat</h1>
      {notice !== undefined && <p role="alert">{notice}</p>}
      <ul>
        {messages.map((message) => (
          <li key={message.id}>
            {message.author}: {message.text}
          </li>
        ))}
      </ul>
      <form action={send}>
        <input name="text" required maxLength={2000} />
        <button>Send</button>
      </form>
    </>
  );
}

/** Good for one minute and for the chat only. Without an answer the chat refuses us, and we come again. */
async function chatToken(): Promise<string> {
  const response = await fetch("/chat/token", { method: "POST" }).catch(() => undefined);
  return response?.ok === true ? ((await response.json()) as { token: string }).token : "";
}
