import { z } from "zod";
import type { Environment } from "../config/schema";

/** The settings that can be changed while the platform runs, by key. */
export const Settings = {
  "feature-flags": z.strictObject({ emailMarketing: z.boolean(), chat: z.boolean(), analytics: z.boolean() }),
  ai: z.strictObject({
    global: z.strictObject({
      provider: z.enum(["openai", "anthropic", "google"]),
      model: z.string().min(1).max(100),
      enabled: z.boolean(),
    }),
  }),
  security: z.strictObject({
    rateLimiting: z.strictObject({
      enabled: z.boolean(),
      maxRequests: z.int().min(1),
      windowMs: z.int().min(1000),
    }),
  }),
};
export type SettingKey = keyof typeof Settings;
export type SettingValue<Key extends SettingKey> = z.output<(typeof Settings)[Key]>;

/** What holds while nobody has changed a setting: the configuration's values. */
export function defaultSettings(environment: Environment): { [Key in SettingKey]: SettingValue<Key> } {
  return {
    "feature-flags": {
      emailMarketing: environment.ENABLE_EMAIL_MARKETING,
      chat: environment.ENABLE_CHAT,
      analytics: environment.ENABLE_ANALYTICS,
    },
    ai: { global: { provider: "openai", model: "gpt-4o", enabled: false } },
    security: {
      rateLimiting: {
        enabled: environment.RATE_LIMIT_ENABLED,
        maxRequests: environment.RATE_LIMIT_MAX,
        windowMs: environment.RATE_LIMIT_WINDOW_SECONDS * 1000,
      },
    },
  };
}
