import type { Json } from "../json.ts";

/** An answer: JSON, or plain text when the body is a `PlainText`. */
export interface Reply {
  status: number;
  body: Json | PlainText;
  headers?: Record<string, string>;
}

/** A body that is sent as text/html, as Laravel does for strings. */
export class PlainText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export const ok = (body: Json): Reply => ({ status: 200, body });
export const created = (body: Json): Reply => ({ status: 201, body });

/** An answer that ends the handling of a request from anywhere. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reply: Reply;

  constructor(status: number, body: { [key: string]: Json }, headers?: Record<string, string>) {
    super(`${status}`);
    this.reply = headers === undefined ? { status, body } : { status, body, headers };
  }
}

/** `{message}` and nothing else. */
export function refuse(status: number, message: string, headers?: Record<string, string>): Refusal {
  return new Refusal(status, { message }, headers);
}

/** Field errors: a list from the validator, a bare string where a handler wrote the answer itself. */
export type Errors = { [field: string]: string | string[] };

/** 422 with `errors`. */
export function invalid(errors: Errors | string[]): Refusal {
  return new Refusal(422, { message: "Validation failed.", errors });
}
