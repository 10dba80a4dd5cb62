import { z } from "zod";
import { type Provider, resource } from "../provider.ts";
import { password } from "./password.ts";

const randomPassword = resource({
  inputs: z.strictObject({
    length: z.int().min(1),
    special: z.boolean().default(true),
    keepers: z.record(z.string(), z.string()).optional(),
  }),
  computed: ["result"],
  secretOutputs: ["result"],
  async create(inputs) {
    // The official provider calls every password this: the value itself would be an id in plain text.
    return { id: "none", outputs: { result: password(inputs) } };
  },
  async delete() {
    // There is nothing but the state.
  },
});

/** Generated once, kept in state, and made anew only when an input changes. */
export const random: Provider = {
  config: z.strictObject({ version: z.string().optional() }),
  resources: { "random:index/randomPassword:RandomPassword": randomPassword },
  functions: {},
};
