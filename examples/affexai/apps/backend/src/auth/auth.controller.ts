import type { LoginView, UserView } from "@affexai/shared-types";
import { Body, Controller, Get, HttpCode, Post } from "@nestjs/common";
import { z } from "zod";
import { Checked } from "../http/checked.pipe";
import { type Caller, CurrentCaller, Public } from "./access";
import { AuthService } from "./auth.service";

const Credentials = z.strictObject({ email: z.string().min(1).max(255), password: z.string().min(1).max(200) });

@Controller("api/auth")
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post("login")
  @Public()
  @HttpCode(200)
  login(@Body(new Checked(Credentials)) { email, password }: z.output<typeof Credentials>): Promise<LoginView> {
    return this.auth.login(email, password);
  }

  @Post("logout")
  @HttpCode(204)
  logout(@CurrentCaller() caller: Caller): Promise<void> {
    return this.auth.logout(caller);
  }

  @Post("chat-token")
  chatToken(@CurrentCaller() caller: Caller): Promise<{ token: string }> {
    return this.auth.chatToken(caller);
  }

  @Get("me")
  me(@CurrentCaller() caller: Caller): UserView {
    return caller.user;
  }
}
