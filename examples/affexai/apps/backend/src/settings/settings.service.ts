import { Inject, Injectable } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { Setting } from "./setting.entity";
import { defaultSettings, type SettingKey, Settings, type SettingValue } from "./settings";

/** How stale a replica's idea of a setting may be. */
const staleAfterMilliseconds = 2_000;

@Injectable()
export class SettingsService {
  private readonly defaults: { [Key in SettingKey]: SettingValue<Key> };
  private readonly known = new Map<SettingKey, { value: unknown; readAt: number }>();

  constructor(
    @InjectRepository(Setting) private readonly settings: Repository<Setting>,
    @Inject(ENVIRONMENT) environment: Environment,
  ) {
    this.defaults = defaultSettings(environment);
  }

  /** A stored value that this release does not understand (another release wrote it) counts as not set. */
  async read<Key extends SettingKey>(key: Key): Promise<SettingValue<Key>> {
    const known = this.known.get(key);
    const fresh = known !== undefined && Date.now() - known.readAt < staleAfterMilliseconds;
    const value: unknown = fresh ? known.value : (await this.settings.findOneBy({ key }))?.value;
    if (!fresh) this.known.set(key, { value, readAt: Date.now() });
    const result = Settings[key].safeParse(value);
    return result.success ? (result.data as SettingValue<Key>) : this.defaults[key];
  }

  async write<Key extends SettingKey>(key: Key, value: SettingValue<Key>): Promise<SettingValue<Key>> {
    await this.settings.upsert({ key, value }, ["key"]);
    this.known.delete(key);
    return value;
  }
}
