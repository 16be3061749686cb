// For --import: as if onnxruntime-node were not installed.
import { register } from "node:module";

const hook = `export async function resolve(name, context, next) {
  if (name === "onnxruntime-node") throw Object.assign(new Error("not installed"), { code: "ERR_MODULE_NOT_FOUND" });
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
