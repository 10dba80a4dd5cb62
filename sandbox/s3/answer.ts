import { s3Namespace, xmlDocument, type XmlTree } from "./xml.ts";

/** What goes back to the client. A body that streams names its length. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | { readonly length: number; readonly pieces: () => AsyncIterable<Buffer> };
}

/** An XML document of S3's namespace, with status 200. */
export function xmlAnswer(root: string, content: XmlTree | string, headers: Answer["headers"] = {}): Answer {
  return {
    status: 200,
    headers: { "content-type": "application/xml", ...headers },
    body: xmlDocument(root, content, s3Namespace),
  };
}

export const noContent: Answer = { status: 204 };
export const ok: Answer = { status: 200 };
