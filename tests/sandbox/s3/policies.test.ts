import assert from "node:assert/strict";
import { isAllowed, isPublic } from "../../../sandbox/s3/access/evaluate.ts";
import { readPolicy } from "../../../sandbox/s3/access/policy.ts";
import { fitsWildcard } from "../../../sandbox/s3/access/wildcard.ts";
import { anonymous, rootPrincipal, type Principal } from "../../../sandbox/s3/iam/principal.ts";

const bucket = "arn:aws:s3:::backups";

function user(...policies: object[]): Principal {
  return {
    kind: "user",
    name: "writer",
    arn: "arn:aws:iam::000000000000:user/writer",
    userId: "AIDAWRITER",
    tags: {},
    policies: policies.map((policy) => JSON.stringify(policy)),
    accessKeyId: "AKIAWRITER",
    secretAccessKey: "secret",
  };
}

const policy = (...Statement: object[]) => ({ Version: "2012-10-17", Statement });
const allow = (Action: string | string[], Resource: string, more: object = {}) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...more,
});
const deny = (Action: string | string[], Resource: string, more: object = {}) => ({
  Effect: "Deny",
  Action,
  Resource,
  ...more,
});

interface Case {
  readonly principal: Principal;
  readonly action?: string;
  readonly resource?: string;
  readonly keys?: Record<string, string[]>;
  readonly bucketPolicy?: object;
  readonly restrictPublic?: boolean;
}

function decide({ principal, action = "s3:PutObject", resource = `${bucket}/a`, keys = {}, ...rest }: Case): boolean {
  return isAllowed({
    principal,
    action,
    resource,
    keys: new Map(Object.entries(keys)),
    bucketPolicy: rest.bucketPolicy === undefined ? undefined : JSON.stringify(rest.bucketPolicy),
    restrictPublic: rest.restrictPublic ?? false,
  });
}

const everybody = { Principal: "*" };

describe("policies", () => {
  const cases: readonly [string, boolean, Case][] = [
    ["allow nothing by themselves", false, { principal: user() }],
    ["allow what a user's policy allows", true, { principal: user(policy(allow("s3:Put*", `${bucket}/*`))) }],
    ["do not allow another action", false, { principal: user(policy(allow("s3:Get*", `${bucket}/*`))) }],
    ["do not allow another resource", false, { principal: user(policy(allow("s3:*", `${bucket}/b*`))) }],
    ["take actions in any case", true, { principal: user(policy(allow("S3:putobject", "*"))) }],
    [
      "deny before they allow",
      false,
      { principal: user(policy(allow("s3:*", "*")), policy(deny("s3:Put*", `${bucket}/*`))) },
    ],
    [
      "understand NotAction",
      true,
      { principal: user(policy({ Effect: "Allow", NotAction: "s3:Delete*", Resource: "*" })) },
    ],
    ["let the root key do all", true, { principal: rootPrincipal("a", "b") }],
    [
      "hold the root key to what a bucket's policy denies everybody",
      false,
      { principal: rootPrincipal("a", "b"), bucketPolicy: policy(deny("s3:*", `${bucket}/*`, everybody)) },
    ],
    [
      "never lock the root key out of a bucket's policy",
      true,
      {
        ...{ principal: rootPrincipal("a", "b"), bucketPolicy: policy(deny("s3:*", bucket, everybody)) },
        ...{ action: "s3:PutBucketPolicy", resource: bucket },
      },
    ],
    [
      "allow what the bucket's policy allows its user",
      true,
      {
        principal: user(),
        bucketPolicy: policy(
          allow("s3:PutObject", `${bucket}/*`, { Principal: { AWS: "arn:aws:iam::000000000000:user/writer" } }),
        ),
      },
    ],
    [
      "do not allow a user what the bucket's policy allows the account",
      false,
      {
        principal: user(),
        bucketPolicy: policy(allow("s3:*", `${bucket}/*`, { Principal: { AWS: "arn:aws:iam::000000000000:root" } })),
      },
    ],
    [
      "deny everybody but one with NotPrincipal",
      false,
      {
        principal: user(policy(allow("s3:*", "*"))),
        bucketPolicy: policy(
          deny("s3:*", `${bucket}/*`, { NotPrincipal: { AWS: "arn:aws:iam::000000000000:user/other" } }),
        ),
      },
    ],
    [
      "allow the public where the bucket does",
      true,
      { principal: anonymous, bucketPolicy: policy(allow("s3:*", `${bucket}/*`, everybody)) },
    ],
    [
      "do not allow the public where public access is restricted",
      false,
      { principal: anonymous, restrictPublic: true, bucketPolicy: policy(allow("s3:*", `${bucket}/*`, everybody)) },
    ],
    [
      "fill in the user's name",
      true,
      {
        principal: user(policy(allow("s3:PutObject", `${bucket}/home/\${aws:username}/*`))),
        resource: `${bucket}/home/writer/file`,
        keys: { "aws:username": ["writer"] },
      },
    ],
  ];
  for (const [title, expected, wish] of cases) it(title, () => assert.equal(decide(wish), expected));

  const conditions: readonly [string, object, Record<string, string[]>, boolean][] = [
    [
      "StringEquals holds for one of its values",
      { StringEquals: { "s3:prefix": ["a/", "b/"] } },
      { "s3:prefix": ["b/"] },
      true,
    ],
    ["StringEquals fails without the key", { StringEquals: { "s3:prefix": "a/" } }, {}, false],
    ["StringEqualsIfExists holds without the key", { StringEqualsIfExists: { "s3:prefix": "a/" } }, {}, true],
    ["StringNotEquals holds without the key", { StringNotEquals: { "s3:prefix": "a/" } }, {}, true],
    [
      "StringNotEquals fails for any of its values",
      { StringNotEquals: { "s3:prefix": ["a/", "b/"] } },
      { "s3:prefix": ["b/"] },
      false,
    ],
    [
      "StringLike takes wildcards",
      { StringLike: { "s3:prefix": "backups/*" } },
      { "s3:prefix": ["backups/staging/"] },
      true,
    ],
    [
      "Bool compares truth values",
      { Bool: { "aws:SecureTransport": "false" } },
      { "aws:securetransport": ["true"] },
      false,
    ],
    ["Null asks for the absence of a key", { Null: { "s3:if-none-match": "true" } }, {}, true],
    ["Null asks for the presence of a key", { Null: { "s3:if-none-match": "false" } }, {}, false],
    [
      "NumericGreaterThan compares numbers",
      { NumericGreaterThan: { "s3:object-lock-remaining-retention-days": "6" } },
      { "s3:object-lock-remaining-retention-days": ["30"] },
      true,
    ],
    [
      "DateLessThan compares times",
      { DateLessThan: { "aws:CurrentTime": "2026-01-01T00:00:00Z" } },
      { "aws:currenttime": ["2025-12-31T23:59:59Z"] },
      true,
    ],
    [
      "IpAddress takes ranges",
      { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } },
      { "aws:sourceip": ["127.77.1.2"] },
      true,
    ],
    [
      "NotIpAddress takes ranges",
      { NotIpAddress: { "aws:SourceIp": "127.0.0.0/8" } },
      { "aws:sourceip": ["127.77.1.2"] },
      false,
    ],
    [
      "ForAllValues wants all of a request's values",
      { "ForAllValues:StringEquals": { "s3:RequestObjectTagKeys": ["a", "b"] } },
      { "s3:requestobjecttagkeys": ["a", "c"] },
      false,
    ],
    [
      "ForAnyValue wants one of a request's values",
      { "ForAnyValue:StringEquals": { "s3:RequestObjectTagKeys": ["a", "b"] } },
      { "s3:requestobjecttagkeys": ["a", "c"] },
      true,
    ],
  ];
  for (const [title, Condition, keys, expected] of conditions) {
    it(`condition ${title}`, () => {
      const principal = user(policy(allow("s3:*", "*", { Condition })));
      assert.equal(decide({ principal, keys }), expected);
    });
  }

  it("are malformed with an unknown operator, effect or element, or where the principal does not belong", () => {
    const malformed = [
      policy(allow("s3:*", "*", { Condition: { StringSimilar: { "s3:prefix": "a" } } })),
      policy({ Effect: "Maybe", Action: "s3:*", Resource: "*" }),
      policy(allow("s3:*", "*", { Principle: "*" })),
      policy(allow("s3:*", "*", everybody)),
      policy({ Effect: "Allow", Action: "s3:*" }),
      {},
    ];
    for (const document of malformed) assert.equal(readPolicy("identity", JSON.stringify(document)), null);
    assert.equal(readPolicy("identity", "not JSON"), null);
    assert.equal(readPolicy("bucket", JSON.stringify(policy(allow("s3:*", bucket)))), null);
  });

  it("are public when they grant something to everybody without tying it to known callers", () => {
    const open = (statement: object) => {
      const read = readPolicy("bucket", JSON.stringify(policy(statement)));
      return read !== null && isPublic(read);
    };
    assert.equal(open(allow("s3:GetObject", `${bucket}/*`, everybody)), true);
    assert.equal(open(deny("s3:GetObject", `${bucket}/*`, everybody)), false);
    const Condition = { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } };
    assert.equal(open(allow("s3:GetObject", `${bucket}/*`, { ...everybody, Condition })), false);
  });

  it("know wildcards for any run of characters and for a single one", () => {
    assert.ok(fitsWildcard("a*c?e", "abbbcde"));
    assert.ok(fitsWildcard("*", ""));
    assert.ok(!fitsWildcard("a*c", "abcd"));
    assert.ok(!fitsWildcard("a?c", "ac"));
    assert.ok(fitsWildcard("*a*a*a*b", `${"a".repeat(40)}b`));
  });
});
