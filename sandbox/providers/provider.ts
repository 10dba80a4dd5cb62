import type { z } from "zod";
import type { Wire } from "./wire.ts";

/** What a resource may use while it acts. */
export interface Call {
  /** The provider's configuration, checked. */
  readonly config: Wire;
  readonly name: string;
  /** Aborted when the engine cancels, disconnects, or the resource's own timeout has passed. */
  readonly signal: AbortSignal;
  /** One line under the resource, replaced by the next one. */
  readonly status: (line: string) => void;
}

/** What is known of a resource that exists. */
export interface Existing<Inputs> {
  readonly id: string;
  readonly inputs: Inputs;
  readonly outputs: Wire;
}

/** One resource type as the official provider has it, for the inputs that this project declares. */
export interface ResourceDefinition<Schema extends z.ZodType> {
  /** Strict: an input that is not acted on is refused rather than ignored. */
  readonly inputs: Schema;
  /** Outputs beyond the inputs. */
  readonly computed?: readonly string[];
  /** Of those, the ones that any update may change: a preview does not know them. */
  readonly recomputed?: readonly string[];
  /** Of those, the ones that are secret. */
  readonly secretOutputs?: readonly string[];
  /** Inputs whose change makes a new resource. Without `update`, that is every input. */
  readonly replaceOn?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  create(inputs: z.output<Schema>, call: Call): Promise<{ id: string; outputs?: Wire }>;
  /** What is really there, in the form of the inputs; null when it is gone. Absent where nothing can be read. */
  read?(existing: Existing<z.output<Schema>>, call: Call): Promise<{ inputs: z.output<Schema>; outputs?: Wire } | null>;
  /** Returns the outputs that changed. */
  update?(existing: Existing<z.output<Schema>>, inputs: z.output<Schema>, call: Call): Promise<Wire>;
  /** Deleting what is already gone succeeds. */
  delete(existing: Existing<z.output<Schema>>, call: Call): Promise<void>;
}

/** A resource type whose inputs are parsed at its door. */
export type ResourceType = ResourceDefinition<z.ZodType<Wire>>;

export interface FunctionType {
  readonly inputs: z.ZodType;
  call(inputs: Wire, call: Omit<Call, "name" | "status">): Promise<Wire>;
}

export interface Provider {
  readonly config: z.ZodType;
  readonly resources: Readonly<Record<string, ResourceType>>;
  readonly functions: Readonly<Record<string, FunctionType>>;
}

/** Checks a definition against its own schema and forgets the schema's type: a provider keeps many kinds in one table. */
export function resource<Schema extends z.ZodType>(definition: ResourceDefinition<Schema>): ResourceType {
  return definition as unknown as ResourceType;
}

export function providerFunction<Schema extends z.ZodType>(definition: {
  readonly inputs: Schema;
  call(inputs: z.output<Schema>, call: Omit<Call, "name" | "status">): Promise<Wire>;
}): FunctionType {
  return definition as unknown as FunctionType;
}
