import { Body, Controller, Get, Put } from "@nestjs/common";
import type { z } from "zod";
import { Admin, Public } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { Settings, type SettingValue } from "./settings";
import { SettingsService } from "./settings.service";

const SomeFlags = Settings["feature-flags"].partial();

/** Changes what the platform does within seconds, without a release: the smallest way back from a bad feature. */
@Controller("api/settings")
export class SettingsController {
  constructor(private readonly settings: SettingsService) {}

  @Get("feature-flags")
  @Public()
  flags(): Promise<SettingValue<"feature-flags">> {
    return this.settings.read("feature-flags");
  }

  /** Flags that are not named stay as they are. */
  @Put("feature-flags")
  @Admin()
  async setFlags(
    @Body(new Checked(SomeFlags)) flags: z.output<typeof SomeFlags>,
  ): Promise<SettingValue<"feature-flags">> {
    return this.settings.write("feature-flags", { ...(await this.settings.read("feature-flags")), ...flags });
  }

  @Get("ai")
  @Admin()
  ai(): Promise<SettingValue<"ai">> {
    return this.settings.read("ai");
  }

  @Put("ai")
  @Admin()
  setAi(@Body(new Checked(Settings.ai)) value: SettingValue<"ai">): Promise<SettingValue<"ai">> {
    return this.settings.write("ai", value);
  }

  @Get("security")
  @Admin()
  security(): Promise<SettingValue<"security">> {
    return this.settings.read("security");
  }

  @Put("security")
  @Admin()
  setSecurity(
    @Body(new Checked(Settings.security)) value: SettingValue<"security">,
  ): Promise<SettingValue<"security">> {
    return this.settings.write("security", value);
  }
}
