# One image for both servers and their commands; compose.yaml says which one a container runs.
FROM oven/bun:1.4.5-slim AS packages
WORKDIR /app
COPY package.json bun.lock bunfig.toml ./
COPY patches patches
RUN bun install --frozen-lockfile --production

FROM oven/bun:1.4.5-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/node_modules node_modules
# Root's, and nobody's to write: the server runs as the image's user bun, by number, so that a platform can see that it is not root.
COPY . .
USER 1000:1000
EXPOSE 3000 3001
CMD ["bun", "run", "wallet"]
