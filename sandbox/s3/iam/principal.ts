import type { Identity } from "../auth/signature.ts";

/** The only account there is. */
export const accountId = "000000000000";

/** Who sends a request. `root` owns the account and may do all that no bucket's policy denies; `anonymous` signed nothing. */
export type Principal =
  | (Identity & { readonly kind: "root"; readonly arn: string; readonly userId: string })
  | (Identity & {
      readonly kind: "user";
      readonly arn: string;
      readonly userId: string;
      readonly name: string;
      readonly tags: Readonly<Record<string, string>>;
      /** Inline policies, JSON. */
      readonly policies: readonly string[];
    })
  | (Identity & { readonly kind: "anonymous"; readonly arn: ""; readonly userId: "anonymous" });

export const anonymous: Principal = {
  kind: "anonymous",
  arn: "",
  userId: "anonymous",
  accessKeyId: "",
  secretAccessKey: "",
};

export function rootPrincipal(accessKeyId: string, secretAccessKey: string): Principal {
  return { kind: "root", arn: `arn:aws:iam::${accountId}:root`, userId: accountId, accessKeyId, secretAccessKey };
}
