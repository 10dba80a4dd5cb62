import assert from "node:assert/strict";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { newBucket, put } from "./contract/subject.ts";
import { refused } from "./refusal.ts";
import { iamClient, root, s3Client, startForTest } from "./storage.ts";

describe("access to the object storage", () => {
  let storage: Awaited<ReturnType<typeof startForTest>>;
  before(async () => {
    storage = await startForTest();
  });
  after(() => storage.stop());

  /** A user with one inline policy, and a client that signs with the user's key. */
  async function newUser(UserName: string, statements: object[]): Promise<{ client: S3Client; accessKeyId: string }> {
    const iam = iamClient(storage.url);
    await iam.send(new CreateUserCommand({ UserName }));
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "own", PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    const accessKeyId = AccessKey?.AccessKeyId ?? "";
    return {
      accessKeyId,
      client: s3Client(storage.url, { accessKeyId, secretAccessKey: AccessKey?.SecretAccessKey ?? "" }),
    };
  }

  it("is refused to a wrong secret, an unknown key and a request without signature", async () => {
    const Bucket = await newBucket(storage);
    const list = new ListObjectsV2Command({ Bucket });
    const wrong = s3Client(storage.url, { ...root, secretAccessKey: "guessed" });
    await refused(wrong.send(list), "SignatureDoesNotMatch", 403);
    const unknown = s3Client(storage.url, { ...root, accessKeyId: "AKIAUNKNOWN" });
    await refused(unknown.send(list), "InvalidAccessKeyId", 403);
    const answer = await fetch(`${storage.url}/${Bucket}`);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /<Error><Code>AccessDenied<\/Code><Message>Access Denied<\/Message>/);
  });

  it("is refused to a clock that is a quarter of an hour off", async () => {
    const Bucket = await newBucket(storage);
    const client = s3Client(storage.url);
    client.config.systemClockOffset = -16 * 60_000;
    await refused(client.send(new ListObjectsV2Command({ Bucket })), "RequestTimeTooSkewed", 403);
  });

  it("is refused to a header that was added on the way", async () => {
    const Bucket = await newBucket(storage);
    const client = s3Client(storage.url);
    client.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers["x-amz-bypass-governance-retention"] = "true";
        return next(args);
      },
      { step: "finalizeRequest", priority: "low" },
    );
    const error = await refused(client.send(new ListObjectsV2Command({ Bucket })), "AccessDenied", 403);
    assert.match(error.message, /not signed/);
  });

  it("is given by presigned URLs, to what was signed and until they expire", async () => {
    const Bucket = await newBucket(storage);
    const upload = await getSignedUrl(storage.client, new PutObjectCommand({ Bucket, Key: "a b.txt" }), {
      expiresIn: 60,
    });
    assert.equal((await fetch(upload, { method: "PUT", body: "by URL" })).status, 200);
    const download = await getSignedUrl(storage.client, new GetObjectCommand({ Bucket, Key: "a b.txt" }));
    assert.equal(await (await fetch(download)).text(), "by URL");
    assert.equal((await fetch(download, { method: "DELETE" })).status, 403);
    assert.equal((await fetch(download.replace("a%20b.txt", "other.txt"))).status, 403);
    const old = await getSignedUrl(storage.client, new GetObjectCommand({ Bucket, Key: "a b.txt" }), {
      expiresIn: 60,
      signingDate: new Date(Date.now() - 61_000),
    });
    const expired = await fetch(old);
    assert.equal(expired.status, 403);
    assert.match(await expired.text(), /<Message>Request has expired<\/Message>/);
  });

  it("of a backup writer ends at writing: it can neither read, delete, list nor weaken a lock", async () => {
    const Bucket = await newBucket(storage, { locked: true });
    const { client } = await newUser("backup-writer", [
      {
        Effect: "Allow",
        Action: ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
        Resource: `arn:aws:s3:::${Bucket}/backups/*`,
      },
      {
        Effect: "Deny",
        Action: ["s3:DeleteObject*", "s3:PutObjectRetention", "s3:BypassGovernanceRetention"],
        Resource: "*",
      },
    ]);
    const Key = "backups/production/hourly/1/dump";
    const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key, Body: "x", IfNoneMatch: "*" }));
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "backups/2" }));
    const forbidden = [
      client.send(new PutObjectCommand({ Bucket, Key: "releases/1", Body: "x" })),
      client.send(new GetObjectCommand({ Bucket, Key })),
      client.send(new DeleteObjectCommand({ Bucket, Key })),
      client.send(new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention: true })),
      client.send(new ListObjectsV2Command({ Bucket })),
      client.send(new PutObjectRetentionCommand({ Bucket, Key, VersionId, Retention: {} })),
      client.send(
        new PutObjectCommand({
          Bucket,
          Key,
          Body: "x",
          ObjectLockMode: "GOVERNANCE",
          ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
        }),
      ),
    ];
    for (const request of forbidden) await refused(request, "AccessDenied", 403);
    const { Errors, Deleted } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
    assert.deepEqual([Errors?.map(({ Code }) => Code), Deleted], [["AccessDenied"], undefined]);
  });

  it("hides what is missing from who may not list", async () => {
    const Bucket = await newBucket(storage);
    const reader = [{ Effect: "Allow", Action: "s3:GetObject", Resource: `arn:aws:s3:::${Bucket}/*` }];
    const { client } = await newUser("reader", reader);
    await refused(client.send(new GetObjectCommand({ Bucket, Key: "none" })), "AccessDenied", 403);
    const both = await newUser("lister", [
      ...reader,
      { Effect: "Allow", Action: "s3:ListBucket", Resource: `arn:aws:s3:::${Bucket}` },
    ]);
    await refused(both.client.send(new GetObjectCommand({ Bucket, Key: "none" })), "NoSuchKey", 404);
  });

  it("is limited by conditions on the request: the prefix, and a write that never overwrites", async () => {
    const Bucket = await newBucket(storage);
    const { client } = await newUser("conditional", [
      {
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: `arn:aws:s3:::${Bucket}`,
        Condition: { StringLike: { "s3:prefix": "journal/*" } },
      },
      {
        Effect: "Allow",
        Action: "s3:PutObject",
        Resource: `arn:aws:s3:::${Bucket}/*`,
        Condition: { Null: { "s3:if-none-match": "false" } },
      },
    ]);
    await client.send(new ListObjectsV2Command({ Bucket, Prefix: "journal/staging/" }));
    await refused(client.send(new ListObjectsV2Command({ Bucket })), "AccessDenied", 403);
    await client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x", IfNoneMatch: "*" }));
    await refused(client.send(new PutObjectCommand({ Bucket, Key: "b", Body: "x" })), "AccessDenied", 403);
  });

  it("ends with the access key", async () => {
    const Bucket = await newBucket(storage);
    const { client, accessKeyId } = await newUser("leaver", [{ Effect: "Allow", Action: "s3:*", Resource: "*" }]);
    await client.send(new ListObjectsV2Command({ Bucket }));
    await iamClient(storage.url).send(new DeleteAccessKeyCommand({ UserName: "leaver", AccessKeyId: accessKeyId }));
    await refused(client.send(new ListObjectsV2Command({ Bucket })), "InvalidAccessKeyId", 403);
  });

  it("over insecure transport is denied where a bucket says so, unless TLS is said to end elsewhere", async () => {
    const honest = await startForTest({ secureTransport: false });
    try {
      for (const [where, mayWrite] of [
        [storage, true],
        [honest, false],
      ] as const) {
        const Bucket = await newBucket(where);
        const statement = { Effect: "Allow", Action: "s3:*", Resource: "*" };
        const iam = iamClient(where.url);
        await iam.send(new CreateUserCommand({ UserName: "tls" }));
        const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
        await iam.send(new PutUserPolicyCommand({ UserName: "tls", PolicyName: "all", PolicyDocument }));
        const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "tls" }));
        const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`];
        const Condition = { Bool: { "aws:SecureTransport": "false" } };
        const Statement = [{ Effect: "Deny", Principal: "*", Action: "s3:*", Resource, Condition }];
        await where.client.send(
          new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: "2012-10-17", Statement }) }),
        );
        const client = s3Client(where.url, {
          accessKeyId: AccessKey?.AccessKeyId ?? "",
          secretAccessKey: AccessKey?.SecretAccessKey ?? "",
        });
        const write = client.send(new PutObjectCommand({ Bucket, Key: "a", Body: "x" }));
        if (mayWrite) await write;
        else await refused(write, "AccessDenied", 403);
      }
    } finally {
      await honest.stop();
    }
  });

  it("is not given to the public while the bucket blocks public policies", async () => {
    const Bucket = await newBucket(storage);
    const Statement = [
      { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${Bucket}/*` },
    ];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await refused(storage.client.send(new PutBucketPolicyCommand({ Bucket, Policy })), "AccessDenied", 403);
  });

  it("needs a checksum for what Object Lock keeps", async () => {
    const Bucket = await newBucket(storage, { locked: true });
    const client = s3Client(storage.url);
    const plain = await getSignedUrl(
      client,
      new PutObjectCommand({
        Bucket,
        Key: "a",
        ObjectLockMode: "GOVERNANCE",
        ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
      }),
    );
    const answer = await fetch(plain, { method: "PUT", body: "no checksum" });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /Content-MD5 OR x-amz-checksum- HTTP header is required/);
  });

  it("from a browser follows the bucket's CORS rules", async () => {
    const Bucket = await newBucket(storage);
    const origin = "https://affexai.example";
    const CORSRules = [
      {
        AllowedMethods: ["PUT"],
        AllowedOrigins: [origin],
        AllowedHeaders: ["content-*"],
        ExposeHeaders: ["ETag"],
        MaxAgeSeconds: 60,
      },
    ];
    await storage.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    const preflight = (headers: Record<string, string>) =>
      fetch(`${storage.url}/${Bucket}/a`, { method: "OPTIONS", headers });
    const ask = { origin, "access-control-request-method": "PUT", "access-control-request-headers": "content-type" };
    const allowed = await preflight(ask);
    assert.deepEqual([allowed.status, allowed.headers.get("access-control-allow-origin")], [200, origin]);
    assert.equal(allowed.headers.get("access-control-max-age"), "60");
    assert.equal((await preflight({ ...ask, origin: "https://evil.example" })).status, 403);
    assert.equal((await preflight({ ...ask, "access-control-request-headers": "authorization" })).status, 403);
    const url = await getSignedUrl(storage.client, new PutObjectCommand({ Bucket, Key: "a" }));
    const answer = await fetch(url, { method: "PUT", body: "x", headers: { origin } });
    assert.equal(answer.headers.get("access-control-expose-headers"), "ETag");
    await put(storage, Bucket, "b");
    await storage.client.send(new HeadObjectCommand({ Bucket, Key: "b" }));
  });
});
