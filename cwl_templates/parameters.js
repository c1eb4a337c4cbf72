// Parameters of a step that are made at run time: text in them may name the step's own directory.

// Put the path of the step's directory in place of {workdir}, and single braces in place of doubled ones, in
// every string of a value. Files and directories are left alone.
function fillWorkdir(value, directory) {
  "use strict";
  if (typeof value === "string") {
    return value.split("{workdir}").join(directory).split("{{").join("{").split("}}").join("}");
  }
  if (value === null || typeof value !== "object" || value["class"] === "File" || value["class"] === "Directory") {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(function (item) { return fillWorkdir(item, directory); });
  }
  var filled = {};
  Object.keys(value).forEach(function (key) { filled[key] = fillWorkdir(value[key], directory); });
  return filled;
}

// Path of a string below the step's directory; null for other text.
function ownPath(text) {
  "use strict";
  if (text === "{workdir}" || text === "{workdir}/") {
    return ".";
  }
  return text.indexOf("{workdir}/") === 0 ? text.slice("{workdir}/".length).replace(/^\/+|\/+$/g, "") : null;
}

// All paths below the step's directory that occur in a value, in order, as names relative to it.
function ownPaths(value) {
  "use strict";
  if (typeof value === "string") {
    var path = ownPath(value);
    if (path !== null && path.split("/").indexOf("..") >= 0) {
      throw new Error("a published path leads out of the step's directory: " + value);
    }
    return path === null ? [] : [path];
  }
  if (value === null || typeof value !== "object" || value["class"] === "File" || value["class"] === "Directory") {
    return [];
  }
  return Object.keys(value).reduce(function (found, key) { return found.concat(ownPaths(value[key])); }, []);
}

// The value with its own paths replaced by the files found for them, which are in the order of ownPaths.
function withFiles(value, files) {
  "use strict";
  if (ownPaths(value).length !== files.length) {
    throw new Error("published files are missing: " + JSON.stringify(ownPaths(value)));
  }
  var next = 0;
  function replace(part) {
    if (typeof part === "string") {
      return ownPath(part) === null ? part : files[next++];
    }
    if (part === null || typeof part !== "object" || part["class"] === "File" || part["class"] === "Directory") {
      return part;
    }
    if (Array.isArray(part)) {
      return part.map(replace);
    }
    var replaced = {};
    Object.keys(part).forEach(function (key) { replaced[key] = replace(part[key]); });
    return replaced;
  }
  return replace(value);
}
