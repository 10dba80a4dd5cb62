import assert from "node:assert/strict";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  IAMServiceException,
  ListAccessKeysCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupsForUserCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
  ListUserTagsCommand,
  PutUserPolicyCommand,
  TagUserCommand,
  UntagUserCommand,
  type IAMClient,
} from "@aws-sdk/client-iam";
import { sha256, sign, signingKey, canonicalRequest } from "../../../sandbox/s3/auth/canonical.ts";
import { iamClient, root, startForTest } from "./storage.ts";

const policy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::a b/*" }],
});

async function refused(request: Promise<unknown>, code: string, status: number): Promise<void> {
  const error: unknown = await request.then(
    () => assert.fail(`was carried out, but should have been refused with ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof IAMServiceException, String(error));
  assert.deepEqual([error.name, error.$metadata.httpStatusCode], [code, status]);
}

describe("identities", () => {
  let storage: Awaited<ReturnType<typeof startForTest>>;
  let iam: IAMClient;
  before(async () => {
    storage = await startForTest();
    iam = iamClient(storage.url);
  });
  after(() => storage.stop());

  it("are created with path and tags, found, listed and deleted", async () => {
    const Tags = [{ Key: "managed-by", Value: "pulumi" }];
    const { User } = await iam.send(new CreateUserCommand({ UserName: "writer", Path: "/backup/", Tags }));
    assert.equal(User?.Arn, "arn:aws:iam::000000000000:user/backup/writer");
    assert.match(User?.UserId ?? "", /^AIDA[A-Z2-7]{16}$/);
    const found = await iam.send(new GetUserCommand({ UserName: "writer" }));
    assert.deepEqual([found.User?.UserId, found.User?.Tags], [User?.UserId, Tags]);
    const { Users = [] } = await iam.send(new ListUsersCommand({ PathPrefix: "/backup/" }));
    assert.deepEqual(
      Users.map(({ UserName }) => UserName),
      ["writer"],
    );
    await refused(iam.send(new CreateUserCommand({ UserName: "Writer" })), "EntityAlreadyExistsException", 409);
    await iam.send(new DeleteUserCommand({ UserName: "writer" }));
    await refused(iam.send(new GetUserCommand({ UserName: "writer" })), "NoSuchEntityException", 404);
  });

  it("change their tags", async () => {
    await iam.send(new CreateUserCommand({ UserName: "tagged" }));
    await iam.send(
      new TagUserCommand({
        UserName: "tagged",
        Tags: [
          { Key: "a", Value: "1" },
          { Key: "b", Value: "2" },
        ],
      }),
    );
    await iam.send(new UntagUserCommand({ UserName: "tagged", TagKeys: ["a"] }));
    const { Tags } = await iam.send(new ListUserTagsCommand({ UserName: "tagged" }));
    assert.deepEqual(Tags, [{ Key: "b", Value: "2" }]);
  });

  it("have inline policies, checked and returned percent-encoded as IAM does", async () => {
    const UserName = "governed";
    await iam.send(new CreateUserCommand({ UserName }));
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "read", PolicyDocument: policy }));
    const { PolicyDocument = "" } = await iam.send(new GetUserPolicyCommand({ UserName, PolicyName: "read" }));
    assert.notEqual(PolicyDocument, policy);
    assert.equal(decodeURIComponent(PolicyDocument), policy);
    const { PolicyNames } = await iam.send(new ListUserPoliciesCommand({ UserName }));
    assert.deepEqual(PolicyNames, ["read"]);
    const broken = new PutUserPolicyCommand({ UserName, PolicyName: "broken", PolicyDocument: "{}" });
    await refused(iam.send(broken), "MalformedPolicyDocumentException", 400);
    await refused(iam.send(new DeleteUserCommand({ UserName })), "DeleteConflictException", 409);
    await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName: "read" }));
    await refused(iam.send(new GetUserPolicyCommand({ UserName, PolicyName: "read" })), "NoSuchEntityException", 404);
    await iam.send(new DeleteUserCommand({ UserName }));
  });

  it("have at most two access keys, whose secret is told once", async () => {
    const UserName = "rotating";
    await iam.send(new CreateUserCommand({ UserName }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    assert.match(AccessKey?.AccessKeyId ?? "", /^AKIA[A-Z2-7]{16}$/);
    assert.equal(AccessKey?.SecretAccessKey?.length, 40);
    await iam.send(new CreateAccessKeyCommand({ UserName }));
    await refused(iam.send(new CreateAccessKeyCommand({ UserName })), "LimitExceededException", 409);
    const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
    assert.equal(AccessKeyMetadata.length, 2);
    assert.ok(!JSON.stringify(AccessKeyMetadata).includes(AccessKey?.SecretAccessKey ?? "none"));
    await refused(iam.send(new DeleteUserCommand({ UserName })), "DeleteConflictException", 409);
    for (const { AccessKeyId } of AccessKeyMetadata)
      await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
    await iam.send(new DeleteUserCommand({ UserName }));
  });

  it("have neither groups nor managed policies", async () => {
    await iam.send(new CreateUserCommand({ UserName: "plain" }));
    const { AttachedPolicies = [] } = await iam.send(new ListAttachedUserPoliciesCommand({ UserName: "plain" }));
    const { Groups = [] } = await iam.send(new ListGroupsForUserCommand({ UserName: "plain" }));
    assert.deepEqual([AttachedPolicies, Groups], [[], []]);
  });

  it("may not make others without permission", async () => {
    await iam.send(new CreateUserCommand({ UserName: "ordinary" }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "ordinary" }));
    const own = iamClient(storage.url, {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    });
    await refused(own.send(new CreateUserCommand({ UserName: "friend" })), "AccessDenied", 403);
  });

  it("are told who they are by STS", async () => {
    const body = "Action=GetCallerIdentity&Version=2011-06-15";
    const answer = await post(body, "sts");
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.match(text, /<GetCallerIdentityResponse xmlns="https:\/\/sts.amazonaws.com\/doc\/2011-06-15\/">/);
    assert.match(text, /<Arn>arn:aws:iam::000000000000:root<\/Arn>.*<Account>000000000000<\/Account>/);
  });

  it("are refused what is not implemented, by name", async () => {
    const answer = await post("Action=CreateGroup&Version=2010-05-08", "iam");
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /<Code>InvalidAction<\/Code><Message>Could not find operation CreateGroup/);
  });

  /** Posts a form as the SDKs do, signed by hand: there is no STS client among the dependencies. */
  async function post(body: string, service: string): Promise<Response> {
    const timestamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const scope = { date: timestamp.slice(0, 8), region: "us-east-1", service };
    const headers = new Map([
      ["content-type", "application/x-www-form-urlencoded; charset=utf-8"],
      ["host", new URL(storage.url).host],
      ["x-amz-date", timestamp],
    ]);
    const names = [...headers.keys()];
    const canonical = canonicalRequest({ method: "POST", path: "/", query: [], headers }, names, sha256(body), service);
    const key = signingKey(root.secretAccessKey, scope);
    const signature = sign(key, "AWS4-HMAC-SHA256", timestamp, scope, [sha256(canonical)]);
    const credential = `${root.accessKeyId}/${scope.date}/us-east-1/${service}/aws4_request`;
    headers.set(
      "authorization",
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
    );
    return fetch(storage.url, { method: "POST", body, headers: [...headers] });
  }
});
