import { BadRequestException, type PipeTransform } from "@nestjs/common";
import type { z } from "zod";

/** Lets a value through that its schema accepts; otherwise answers 400 with every problem, by path. */
export class Checked<Schema extends z.ZodType> implements PipeTransform<unknown, z.output<Schema>> {
  constructor(private readonly schema: Schema) {}

  transform(value: unknown): z.output<Schema> {
    const result = this.schema.safeParse(value);
    if (result.success) return result.data;
    throw new BadRequestException({
      message: "The request is not valid.",
      problems: result.error.issues.map((issue) => ({ path: issue.path.join("."), message: issue.message })),
    });
  }
}
