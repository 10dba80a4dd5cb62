import type { PageView } from "@affexai/shared-types";
import { Body, Controller, Get, HttpCode, Param, Put } from "@nestjs/common";
import { z } from "zod";
import { Admin, Public } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { PageDraft } from "./page-view";
import { PagesService } from "./pages.service";

const Slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/, "must be lower-case letters, digits and hyphens");

@Controller("api/pages")
export class PagesController {
  constructor(private readonly pages: PagesService) {}

  @Get()
  @Public()
  list(): Promise<{ slug: string; title: string }[]> {
    return this.pages.list();
  }

  @Get(":slug")
  @Public()
  show(@Param("slug", new Checked(Slug)) slug: string): Promise<PageView> {
    return this.pages.show(slug);
  }

  @Put(":slug")
  @Admin()
  @HttpCode(204)
  write(@Param("slug", new Checked(Slug)) slug: string, @Body(new Checked(PageDraft)) draft: PageDraft): Promise<void> {
    return this.pages.write(slug, draft);
  }
}
