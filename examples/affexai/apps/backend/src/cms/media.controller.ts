import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Headers,
  Param,
  ParseUUIDPipe,
  Post,
  Query,
  StreamableFile,
} from "@nestjs/common";
import { z } from "zod";
import { Admin, Public } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { MediaService } from "./media.service";

/** What uploads may be. No HTML and no SVG: they would run scripts on our origin. */
export const mediaTypes = ["image/png", "image/jpeg", "image/webp", "image/avif", "application/pdf"];

const FileName = z.string().regex(/^[\w][\w .-]{0,254}$/, "must be letters, digits, spaces, dots and hyphens");

@Controller("api/media")
export class MediaController {
  constructor(private readonly media: MediaService) {}

  /** The body is the file itself; its name comes as `?fileName=`. */
  @Post()
  @Admin()
  async store(
    @Query("fileName", new Checked(FileName)) fileName: string,
    @Headers("content-type") contentType: string | undefined,
    @Body() bytes: unknown,
  ): Promise<{ id: string; size: number }> {
    if (!Buffer.isBuffer(bytes) || bytes.length === 0 || contentType === undefined) {
      throw new BadRequestException(`The body must be a file of one of these types: ${mediaTypes.join(", ")}.`);
    }
    const { id, size } = await this.media.store(fileName, contentType, bytes);
    return { id, size };
  }

  @Get(":id")
  @Public()
  async open(@Param("id", ParseUUIDPipe) id: string): Promise<StreamableFile> {
    const { media, content } = await this.media.open(id);
    return new StreamableFile(content, {
      type: media.contentType,
      length: media.size,
      disposition: `inline; filename="${media.fileName}"`,
    });
  }
}
