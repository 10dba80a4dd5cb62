import { createLogUpdate } from "log-update";
import pc from "picocolors";
import { elapsed } from "./progress-lines.ts";
import type { Progress } from "./progress.ts";

interface Node {
  readonly title: string;
  readonly started: number;
  readonly children: Node[];
  note: string;
  state: "running" | "done" | "failed";
  took: string;
}

export interface LiveTree {
  readonly progress: Progress;
  /** Draws the tree a last time and leaves it on the screen. */
  end(): void;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Progress as a live tree on a terminal: running steps spin with their elapsed time, finished ones fold to a line. */
export function liveTree(stream: NodeJS.WriteStream): LiveTree {
  const root: Node[] = [];
  const screen = createLogUpdate(stream, { showCursor: true });
  let frame = 0;
  const draw = () =>
    screen(root.flatMap((node) => render(node, 0, frames[(frame += 1) % frames.length] ?? "")).join("\n"));
  const timer = setInterval(draw, 120);
  return {
    progress: inside(root, undefined),
    end() {
      clearInterval(timer);
      draw();
      screen.done();
    },
  };
}

function inside(siblings: Node[], parent: Node | undefined): Progress {
  return {
    async step(title, work) {
      const node: Node = { title, started: performance.now(), children: [], note: "", state: "running", took: "" };
      siblings.push(node);
      try {
        const result = await work(inside(node.children, node));
        node.state = "done";
        return result;
      } catch (error) {
        node.state = "failed";
        throw error;
      } finally {
        node.took = elapsed(node.started);
      }
    },
    note(text) {
      if (parent !== undefined) parent.note = text;
    },
  };
}

function render(node: Node, depth: number, spinner: string): string[] {
  const mark = { running: pc.cyan(spinner), done: pc.green("✓"), failed: pc.red("✗") }[node.state];
  const time = pc.dim(node.state === "running" ? elapsed(node.started) : node.took);
  const note = node.note === "" ? "" : pc.dim(` ${node.note}`);
  const line = `${"  ".repeat(depth)}${mark} ${node.title} ${time}${note}`;
  const folded = node.state === "done" && depth > 0;
  return [line, ...(folded ? [] : node.children.flatMap((child) => render(child, depth + 1, spinner)))];
}
