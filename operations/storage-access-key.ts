import type { Context } from "./verb.ts";

/** An access key of the object storage. */
interface AccessKey {
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
}

/** An environment with the access key of one identity in place of whatever credentials it had. */
export function withAccessKey(env: Context["env"], { accessKeyId, secretAccessKey }: AccessKey): Context["env"] {
  return {
    ...env,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: undefined,
  };
}
