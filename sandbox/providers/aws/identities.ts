import { z } from "zod";
import { resource } from "../provider.ts";
import { iam, ifThere } from "./clients.ts";

/** `aws:iam/user:User`. Its id is its name. */
export const user = resource({
  inputs: z.strictObject({ name: z.string() }),
  computed: ["arn", "uniqueId"],
  replaceOn: ["name"],
  async create({ name }, call) {
    const { User } = await (await iam(call)).createUser({ UserName: name });
    return { id: name, outputs: { arn: User?.Arn, uniqueId: User?.UserId } };
  },
  async read({ id }, call) {
    const answer = await ifThere((await iam(call)).getUser({ UserName: id }));
    if (answer === null) return null;
    return { inputs: { name: id }, outputs: { arn: answer.User?.Arn, uniqueId: answer.User?.UserId } };
  },
  async delete({ id }, call) {
    await ifThere((await iam(call)).deleteUser({ UserName: id }));
  },
});

/** `aws:iam/userPolicy:UserPolicy`, a policy within a user. Its id is `<user>:<name>`. */
export const userPolicy = resource({
  inputs: z.strictObject({ name: z.string(), user: z.string(), policy: z.string() }),
  replaceOn: ["name", "user"],
  async create(inputs, call) {
    await (
      await iam(call)
    ).putUserPolicy({ UserName: inputs.user, PolicyName: inputs.name, PolicyDocument: inputs.policy });
    return { id: `${inputs.user}:${inputs.name}` };
  },
  async read({ inputs }, call) {
    const answer = await ifThere((await iam(call)).getUserPolicy({ UserName: inputs.user, PolicyName: inputs.name }));
    if (answer === null) return null;
    // IAM answers with the document percent-encoded.
    const found = decodeURIComponent(answer.PolicyDocument ?? "");
    return { inputs: { ...inputs, policy: found } };
  },
  async update(_existing, inputs, call) {
    await (
      await iam(call)
    ).putUserPolicy({ UserName: inputs.user, PolicyName: inputs.name, PolicyDocument: inputs.policy });
    return {};
  },
  async delete({ inputs }, call) {
    await ifThere((await iam(call)).deleteUserPolicy({ UserName: inputs.user, PolicyName: inputs.name }));
  },
});

/** `aws:iam/accessKey:AccessKey`. Its secret is told once, at its making, and kept in state. */
export const accessKey = resource({
  inputs: z.strictObject({ user: z.string() }),
  computed: ["secret", "status", "createDate"],
  secretOutputs: ["secret"],
  async create({ user: owner }, call) {
    const { AccessKey } = await (await iam(call)).createAccessKey({ UserName: owner });
    if (AccessKey?.AccessKeyId === undefined) throw new Error(`IAM made no access key for ${owner}.`);
    return {
      id: AccessKey.AccessKeyId,
      outputs: {
        secret: AccessKey.SecretAccessKey,
        status: AccessKey.Status,
        createDate: AccessKey.CreateDate?.toISOString(),
      },
    };
  },
  async read({ id, inputs }, call) {
    const answer = await ifThere((await iam(call)).listAccessKeys({ UserName: inputs.user }));
    const found = answer?.AccessKeyMetadata?.find(({ AccessKeyId }) => AccessKeyId === id);
    return found === undefined ? null : { inputs, outputs: { status: found.Status } };
  },
  async delete({ id, inputs }, call) {
    await ifThere((await iam(call)).deleteAccessKey({ UserName: inputs.user, AccessKeyId: id }));
  },
});
