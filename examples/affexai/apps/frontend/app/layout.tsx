import type { Metadata } from "next";
import type { ReactNode } from "react";

export const metadata: Metadata = { title: "Affexai" };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <nav>
          <a href="/">Home</a> <a href="/about">About</a> <a href="/tickets">Tickets</a> <a href="/chat">Chat</a>{" "}
          <a href="/login">Log in</a>
        </nav>
        <main>{children}</main>
      </body>
    </html>
  );
}
