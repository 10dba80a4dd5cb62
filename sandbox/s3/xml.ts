import { XMLParser, XMLValidator } from "fast-xml-parser";
import { z } from "zod";
import { StorageError } from "./error.ts";

/** What an element holds: text, child elements by name, or several elements of one name. `undefined` leaves it out. */
export type XmlContent = string | number | boolean | undefined | XmlTree | readonly (string | XmlTree)[];
export interface XmlTree {
  readonly [name: string]: XmlContent;
}

export const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A whole document. Attributes are only ever the namespace. */
export function xmlDocument(root: string, content: XmlTree | string, namespace?: string): string {
  const attribute = namespace === undefined ? "" : ` xmlns="${namespace}"`;
  const inner = typeof content === "string" ? escapeXml(content) : children(content);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${inner}</${root}>`;
}

function children(tree: XmlTree): string {
  return Object.entries(tree)
    .map(([name, content]) => element(name, content))
    .join("");
}

function element(name: string, content: XmlContent): string {
  if (content === undefined) return "";
  if (isList(content)) return content.map((item) => element(name, item)).join("");
  const inner = typeof content === "object" ? children(content) : escapeXml(String(content));
  return `<${name}>${inner}</${name}>`;
}

function isList(content: XmlContent): content is readonly (string | XmlTree)[] {
  return Array.isArray(content);
}

function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#13;");
}

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  parseTagValue: false,
  removeNSPrefix: true,
  trimValues: false,
});

/** A list that XML cannot tell from a single element or none. */
export function listOf<Item extends z.ZodType>(item: Item, { min = 0, max = Infinity } = {}) {
  return z.preprocess(
    (value) => (value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value]),
    z.array(item).refine((items) => items.length >= min && items.length <= max),
  );
}

/** Reads a request's XML body by its schema. Throws MalformedXML for anything that does not fit, as S3 does. */
export function parseXml<Schema extends z.ZodType>(root: string, schema: Schema, text: string): z.output<Schema> {
  if (XMLValidator.validate(text) !== true) throw new StorageError("MalformedXML");
  const parsed = z.looseObject({}).safeParse(parser.parse(text));
  const content = parsed.success ? withoutLayout(parsed.data[root]) : undefined;
  const result = schema.safeParse(content === "" ? {} : content);
  if (content === undefined || !result.success) throw new StorageError("MalformedXML");
  return result.data;
}

/** Drops the white space between elements, which the parser keeps as text so that it survives inside of values. */
function withoutLayout(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLayout);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([name, text]) => name !== "#text" || String(text).trim() !== "");
  if (entries.length === 0) return {};
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutLayout(inner)]));
}
