import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import type { Fields } from "../json.ts";
import type { Application, ScheduledTask, TaskExecution } from "../records.ts";
import { isFrequency } from "../validation/cron.ts";
import { flagRule, required, text, validate, whole } from "../validation/field.ts";
import { applicationContainers } from "./application-status.ts";
import { findApplication } from "./lookup.ts";

const fields = ["name", "command", "frequency", "container", "timeout", "enabled"];

/**
 * Scheduled tasks of applications (Coolify 379abb2, ScheduledTasksController.php). They run when asked to, by `docker exec`; the schedule itself is
 * not played.
 */
export function scheduledTaskRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const path = "/applications/:uuid/scheduled-tasks";
  const own = ({ params, teamId }: ApiRequest) => findApplication(coolify, teamId, params.uuid ?? "");
  const tasksOf = ({ id }: Application) =>
    state.tasks.filter((task) => task.owner === "application" && task.ownerId === id);
  const find = (request: ApiRequest): ScheduledTask => {
    const task = tasksOf(own(request)).find(({ uuid }) => uuid === request.params.task);
    if (task === undefined) throw refuse(404, "Scheduled task not found.");
    return task;
  };
  const timeout = whole({ min: 1, ...(coolify.version.atLeast("4.4") ? { max: 36_000 } : {}) });
  const describe = (task: ScheduledTask, sensitive: boolean): Fields => {
    const { uuid, name, command, frequency, container, timeout: seconds, enabled, created_at, updated_at } = task;
    const visible: Fields = sensitive || !coolify.version.atLeast("4.4") ? { command } : {};
    return { uuid, name, ...visible, frequency, container, timeout: seconds, enabled, created_at, updated_at };
  };
  const rules = {
    name: text({ max: 255 }),
    command: text(),
    frequency: text(),
    container: text({ nullable: true }),
    timeout,
    enabled: flagRule(),
  };
  const refuseFrequency = (input: Fields): void => {
    if (input.frequency !== undefined && !isFrequency(textOf(input, "frequency") ?? "")) {
      throw invalid({ frequency: ["Invalid cron expression or frequency format."] });
    }
  };
  return [
    {
      method: "GET",
      path,
      ability: "read",
      handle: (request) => ok(tasksOf(own(request)).map((task) => describe(task, request.sensitive))),
    },
    {
      method: "POST",
      path,
      ability: "write",
      handle(request) {
        const application = own(request);
        requireJson(request);
        const { input } = request;
        const { name, command, frequency } = rules;
        const mandatory = { name: required(name), command: required(command), frequency: required(frequency) };
        validate(input, { ...rules, ...mandatory }, fields);
        refuseFrequency(input);
        const task: ScheduledTask = {
          ...coolify.store.stamp(),
          owner: "application",
          ownerId: application.id,
          name: textOf(input, "name") ?? "",
          command: textOf(input, "command") ?? "",
          frequency: textOf(input, "frequency") ?? "",
          container: textOf(input, "container") ?? null,
          timeout: Number(input.timeout ?? 300),
          enabled: flag(input, "enabled", true),
        };
        state.tasks.push(task);
        return created(describe(task, request.sensitive));
      },
    },
    {
      method: "PATCH",
      path: `${path}/:task`,
      ability: "write",
      handle(request) {
        own(request);
        requireJson(request);
        const { input } = request;
        validate(input, rules, fields);
        refuseFrequency(input);
        const task = find(request);
        task.name = textOf(input, "name") ?? task.name;
        task.command = textOf(input, "command") ?? task.command;
        task.frequency = textOf(input, "frequency") ?? task.frequency;
        if ("container" in input) task.container = textOf(input, "container") ?? null;
        if (input.timeout !== undefined) task.timeout = Number(input.timeout);
        task.enabled = flag(input, "enabled", task.enabled);
        task.updated_at = timestamp();
        return ok(describe(task, request.sensitive));
      },
    },
    {
      method: "DELETE",
      path: `${path}/:task`,
      ability: "write",
      handle(request) {
        const task = find(request);
        state.tasks = state.tasks.filter((one) => one !== task);
        return ok({ message: "Scheduled task deleted." });
      },
    },
    {
      method: "POST",
      path: `${path}/:task/execute`,
      ability: "write",
      since: "4.3",
      handle(request) {
        const [application, task] = [own(request), find(request)];
        coolify.background.start(`task ${task.id}`, () => execute(coolify, application, task));
        return ok({ message: "Scheduled task execution queued." });
      },
    },
    {
      method: "GET",
      path: `${path}/:task/executions`,
      ability: "read",
      handle(request) {
        const task = find(request);
        const visible = request.sensitive || !coolify.version.atLeast("4.4");
        return ok(
          state.taskExecutions
            .filter(({ taskId }) => taskId === task.id)
            .map((execution) => describeExecution(execution, visible)),
        );
      },
    },
  ];
}

function describeExecution(execution: TaskExecution, withMessage: boolean): Fields {
  const { uuid, status, message, retry_count, duration, started_at, finished_at, created_at, updated_at } = execution;
  const output: Fields = withMessage ? { message } : {};
  return { uuid, status, ...output, retry_count, duration, started_at, finished_at, created_at, updated_at };
}

/** Needs exactly one running container of the application: during a rolling update it fails. Coolify's retries are not played. */
async function execute(coolify: Coolify, application: Application, task: ScheduledTask): Promise<void> {
  const startedAt = Date.now();
  const execution: TaskExecution = {
    ...coolify.store.stamp(),
    taskId: task.id,
    status: "running",
    message: null,
    retry_count: 0,
    duration: null,
    started_at: timestamp(),
    finished_at: null,
  };
  coolify.store.state.taskExecutions.push(execution);
  try {
    const [container, ...others] = await applicationContainers(coolify, application.id);
    if (container === undefined || others.length > 0) {
      throw new Error(`ScheduledTaskJob failed: expected one container, found ${others.length + (container ? 1 : 0)}.`);
    }
    const { exitCode, output } = await coolify.engine.exec(container.name, ["sh", "-c", task.command]);
    execution.message = output;
    execution.status = exitCode === 0 ? "success" : "failed";
  } catch (error) {
    execution.message = error instanceof Error ? error.message : String(error);
    execution.status = "failed";
  }
  execution.finished_at = timestamp();
  execution.duration = (Date.now() - startedAt) / 1000;
  await coolify.store.save();
}
