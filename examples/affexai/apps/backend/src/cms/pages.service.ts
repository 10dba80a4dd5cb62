import type { PageView } from "@affexai/shared-types";
import { Injectable, NotFoundException } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { pageViewsTotal } from "../metrics/metrics";
import { UpdatesService } from "../updates/updates.service";
import { PageComponent } from "./page-component.entity";
import { pageView, type PageDraft } from "./page-view";
import { Page } from "./page.entity";

@Injectable()
export class PagesService {
  constructor(
    @InjectRepository(Page) private readonly pages: Repository<Page>,
    private readonly updates: UpdatesService,
  ) {}

  async list(): Promise<{ slug: string; title: string }[]> {
    const pages = await this.pages.find({ where: { published: true }, order: { slug: "ASC" } });
    return pages.map(({ slug, title }) => ({ slug, title }));
  }

  async show(slug: string): Promise<PageView> {
    const page = await this.pages.findOne({
      where: { slug, published: true },
      relations: { components: true },
      order: { components: { position: "ASC" } },
    });
    if (page === null) throw new NotFoundException(`There is no page "${slug}".`);
    pageViewsTotal.inc();
    return pageView(page);
  }

  /** Writes a page with its components, as one: readers see the old page or the new one. */
  async write(slug: string, { components, ...draft }: PageDraft): Promise<void> {
    await this.pages.manager.transaction(async (manager) => {
      await manager.getRepository(Page).upsert({ slug, ...draft }, ["slug"]);
      const { id: pageId } = await manager.getRepository(Page).findOneByOrFail({ slug });
      await manager.getRepository(PageComponent).delete({ pageId });
      await manager
        .getRepository(PageComponent)
        .insert(components.map((component, position) => ({ pageId, position, ...component })));
    });
    await this.updates.announce({ kind: "page", slug });
  }
}
