import { attend } from "./worker.js";

attend(/** @type {any} */ (self));
