import type { UserView } from "@affexai/shared-types";
import { Body, Controller, Post } from "@nestjs/common";
import { z } from "zod";
import { Admin } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { UsersService } from "./users.service";

const NewUser = z.strictObject({
  email: z.email().max(255),
  name: z.string().min(1).max(255),
  role: z.enum(["admin", "member"]).default("member"),
  password: z.string().min(12).max(200),
});

@Controller("api/users")
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Post()
  @Admin()
  create(@Body(new Checked(NewUser)) user: z.output<typeof NewUser>): Promise<UserView> {
    return this.users.create(user);
  }
}
