// Holds the manifests that are named to Kubernetes' own schemas. An unknown key is an error, too, as it is for
// the API server: schemas allow it, so each key must be one that the schema's validation has asked for.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { Service } from "kubernetes-models/v1/Service";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";

const models = {
  "apps/v1 Deployment": Deployment,
  "v1 Service": Service,
  "monitoring.coreos.com/v1 PodMonitor": PodMonitor,
};

/** `value` as it is, but `unread` has the path of every key in it that nobody has read. */
function watched(value, path, unread) {
  if (value === null || typeof value !== "object") return value;
  const parts = Array.isArray(value) ? [] : {};
  for (const [key, part] of Object.entries(value)) {
    parts[key] = watched(part, `${path}/${key}`, unread);
    if (!Array.isArray(value)) unread.add(`${path}/${key}`);
  }
  return new Proxy(parts, {
    get(target, key) {
      unread.delete(`${path}/${String(key)}`);
      return target[key];
    },
  });
}

let failed = 0;
for (const file of process.argv.slice(2)) {
  const manifest = load(readFileSync(file, "utf8"));
  const kind = `${manifest.apiVersion} ${manifest.kind}`;
  const Model = models[kind];
  const unread = new Set();
  const errors = [];
  try {
    if (!Model) throw new Error(`no schema for ${kind}`);
    // Not on an object of Model, which would be a copy.
    Model.prototype.validate.call(watched(manifest, "", unread));
  } catch (error) {
    errors.push(error.message);
  }
  errors.push(...[...unread].map((path) => `${path}: unknown key`));
  console.log(`${errors.length === 0 ? "ok    " : "not ok"}  ${file}  ${kind}`);
  for (const error of errors) console.log(`        ${error}`);
  failed += errors.length > 0 ? 1 : 0;
}
process.exit(failed > 0 ? 1 : 0);
