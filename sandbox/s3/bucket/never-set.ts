import { xmlAnswer, type Answer } from "../answer.ts";
import { bucketOf, type Call } from "../call.ts";
import { StorageError, type ErrorCode } from "../error.ts";
import type { XmlTree } from "../xml.ts";

/**
 * Settings that cannot be made here (putting them is answered with 501), so that reading them truthfully gives what S3 gives for
 * a bucket on which they were never set. The aws provider reads all of them.
 */
function never(root: string, content: XmlTree | ErrorCode) {
  return (call: Call): Promise<Answer> => {
    const { name } = bucketOf(call);
    if (typeof content === "string") throw new StorageError(content, undefined, { elements: { BucketName: name } });
    return Promise.resolve(xmlAnswer(root, content));
  };
}

export const getLogging = never("BucketLoggingStatus", {});
export const getNotification = never("NotificationConfiguration", {});
export const getAccelerate = never("AccelerateConfiguration", {});
export const getRequestPayment = never("RequestPaymentConfiguration", { Payer: "BucketOwner" });
export const getWebsite = never("WebsiteConfiguration", "NoSuchWebsiteConfiguration");
export const getReplication = never("ReplicationConfiguration", "ReplicationConfigurationNotFoundError");
