import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { Inject, Injectable, NotFoundException } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { STORAGE } from "../storage/storage.module";
import { Media } from "./media.entity";

@Injectable()
export class MediaService {
  constructor(
    @InjectRepository(Media) private readonly media: Repository<Media>,
    @Inject(STORAGE) private readonly storage: S3Client,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  /** Bytes first, row second: a crash in between leaves an object that nobody names, never a name without an object. */
  async store(fileName: string, contentType: string, bytes: Buffer): Promise<Media> {
    const objectKey = `media/${randomUUID()}`;
    await this.storage.send(
      new PutObjectCommand({
        Bucket: this.environment.AWS_S3_BUCKET,
        Key: objectKey,
        Body: bytes,
        ContentType: contentType,
      }),
    );
    return this.media.save(this.media.create({ objectKey, fileName, contentType, size: bytes.length }));
  }

  async open(id: string): Promise<{ media: Media; content: Readable }> {
    const media = await this.media.findOneBy({ id });
    if (media === null) throw new NotFoundException("There is no such upload.");
    const { Body } = await this.storage.send(
      new GetObjectCommand({ Bucket: this.environment.AWS_S3_BUCKET, Key: media.objectKey }),
    );
    if (!(Body instanceof Readable)) throw new Error(`${media.objectKey}: object storage answered without a body.`);
    return { media, content: Body };
  }
}
