import type { UserView } from "@affexai/shared-types";
import { ConflictException, Injectable } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { hashPassword } from "./password";
import { User } from "./user.entity";

export interface NewUser {
  email: string;
  name: string;
  role: "admin" | "member";
  password: string;
}

@Injectable()
export class UsersService {
  constructor(@InjectRepository(User) private readonly users: Repository<User>) {}

  /** Makes a user; 409 when the address is taken. */
  async create(user: NewUser): Promise<UserView> {
    if (!(await this.createIfAbsent(user)))
      throw new ConflictException(`There is a user with the address ${user.email}.`);
    return view(await this.users.findOneByOrFail({ email: normalise(user.email) }));
  }

  /** Makes a user unless the address is taken; says whether it did. Safe in several processes at once. */
  async createIfAbsent({ email, name, role, password }: NewUser): Promise<boolean> {
    if (await this.users.existsBy({ email: normalise(email) })) return false;
    const passwordHash = await hashPassword(password);
    const inserted = await this.users
      .createQueryBuilder()
      .insert()
      .values({ email: normalise(email), name, fullName: name, role, passwordHash })
      .orIgnore()
      .returning("id")
      .execute();
    return inserted.raw instanceof Array && inserted.raw.length > 0;
  }

  /** With the password's hash, which no other query reads. */
  async findForLogin(email: string): Promise<User | null> {
    return this.users
      .createQueryBuilder("users")
      .addSelect("users.passwordHash")
      .where({ email: normalise(email) })
      .getOne();
  }

  async find(id: string): Promise<UserView | null> {
    const user = await this.users.findOneBy({ id });
    return user === null ? null : view(user);
  }
}

export function view({ id, email, name, fullName, role }: User): UserView {
  return { id, email, name: fullName ?? name, role };
}

function normalise(email: string): string {
  return email.trim().toLowerCase();
}
