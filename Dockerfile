# The tools: `affexai` as a container beside the application. What it is there for says AFFEXAI_SERVE: agent or maintenance.
FROM node:24-alpine
# The major of the server that is backed up: its dumps are made and restored by programs of the same version.
ARG POSTGRES_MAJOR=16
RUN apk add --no-cache postgresql${POSTGRES_MAJOR}-client
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts
COPY operations ./operations
ARG GIT_SHA=unknown
ENV NODE_ENV=production \
    AFFEXAI_GIT_SHA=${GIT_SHA}
LABEL org.opencontainers.image.title="affexai-tools" \
      org.opencontainers.image.revision="${GIT_SHA}"
USER node
EXPOSE 8080
ENTRYPOINT ["node", "operations/cli.ts"]
CMD ["serve"]
