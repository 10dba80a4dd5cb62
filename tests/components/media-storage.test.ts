import assert from "node:assert/strict";
import { isSecret } from "@pulumi/pulumi";
import { MediaStorage } from "../../components/media-storage.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";

describe("the media storage", () => {
  it("is a private bucket for one origin, and a key that reaches nothing else", async () => {
    const engine = await mockEngine();
    const media = await deploy(
      () => new MediaStorage("media", { bucket: "affexai-media", origins: ["https://affexai.com"] }),
    );
    assert.deepEqual(engine.shape(), [
      "affexai:storage:MediaStorage$affexai:storage:BucketIdentity$aws:iam/accessKey:AccessKey::media-application-key",
      "affexai:storage:MediaStorage$affexai:storage:BucketIdentity$aws:iam/user:User::media-application-user",
      "affexai:storage:MediaStorage$affexai:storage:BucketIdentity$aws:iam/userPolicy:UserPolicy::media-application-permissions",
      "affexai:storage:MediaStorage$affexai:storage:BucketIdentity::media-application",
      "affexai:storage:MediaStorage$aws:s3/bucket:Bucket::media-bucket",
      "affexai:storage:MediaStorage$aws:s3/bucketCorsConfiguration:BucketCorsConfiguration::media-cors",
      "affexai:storage:MediaStorage$aws:s3/bucketOwnershipControls:BucketOwnershipControls::media-ownership",
      "affexai:storage:MediaStorage$aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::media-privacy",
      "affexai:storage:MediaStorage$aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration::media-encryption",
      "affexai:storage:MediaStorage$aws:s3/bucketVersioning:BucketVersioning::media-versioning",
      "affexai:storage:MediaStorage::media",
    ]);
    assert.ok(engine.named("media-bucket").protect);
    assert.deepEqual(engine.named("media-cors").inputs["corsRules"], [
      {
        allowedOrigins: ["https://affexai.com"],
        allowedMethods: ["GET", "HEAD", "PUT", "POST"],
        allowedHeaders: ["*"],
        exposeHeaders: ["ETag"],
        maxAgeSeconds: 3600,
      },
    ]);
    assert.deepEqual(JSON.parse(engine.named("media-application-permissions").inputs["policy"] as string), {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["s3:ListBucket", "s3:GetBucketLocation"],
          Resource: "arn:aws:s3:::affexai-media",
        },
        {
          Effect: "Allow",
          Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
          Resource: ["arn:aws:s3:::affexai-media/*"],
        },
      ],
    });
    assert.ok(engine.named("media-application-key").dependsOn.includes("media-application-permissions"));
    assert.equal(await valueOf(media.bucket), "affexai-media");
    assert.equal(await isSecret(media.identity.secretAccessKey), true);
  });
});
