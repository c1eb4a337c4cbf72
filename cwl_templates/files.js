/*
 * Files inside a Directory.
 *
 *   globListing(listing, pattern)   the Files and Directories that match, sorted by path
 *   fileIn(directory, relative)     the File or Directory at a path in the directory; a missing one is an error
 *
 * listing:  `listing` of a Directory, loaded with loadListing: deep_listing
 * pattern:  relative to that directory, as the Python library glob2 reads it, which yadage uses. *, ? and [..]
 *           match within one name. ** stands for any number of directories; as the last part, for everything
 *           below. Names that begin with a dot match only a part that begins with a dot. ** looks at the first
 *           name of what it matches only: sub/.hidden is found, .hidden/sub is not. A / at the end: directories.
 *           Parts with *, ? or [..] match upper and lower case alike (glob2.glob of version 0.7 does so).
 */

function globListing(listing, pattern) {
  var parts = pattern.split("/");
  var found = [{ path: "", node: { "class": "Directory", listing: listing } }];
  parts.forEach(function (part, index) {
    var last = index === parts.length - 1;
    if (part === "..") { throw new Error("'" + pattern + "' leaves the directory"); }
    if (part === "." || (part === "" && !last)) { return; }
    found = found.reduce(function (all, entry) { return all.concat(globPart(entry, part, last)); }, []);
  });
  return found.filter(function (entry) {
    return entry.path !== "";
  }).sort(function (a, b) {
    return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
  }).map(function (entry) {
    return entry.node;
  });
}

/* What one part of a pattern matches below an entry: [{path, node}]. */
function globPart(entry, part, last) {
  var matches, shown;
  if (part === "") { return entry.node["class"] === "Directory" ? [entry] : []; }
  if (part === "**") {
    shown = globChildren(entry).filter(function (child) { return child.node.basename.charAt(0) !== "."; });
    return (last ? [] : [entry]).concat(shown.reduce(function (all, child) {
      return all.concat([child], globBelow(child));
    }, []));
  }
  matches = globMatcher(part);
  return globChildren(entry).filter(function (child) {
    var name = child.node.basename;
    return (name.charAt(0) !== "." || part.charAt(0) === ".") && matches.test(name);
  });
}

function globChildren(entry) {
  return (entry.node.listing || []).map(function (node) {
    return { path: (entry.path === "" ? "" : entry.path + "/") + node.basename, node: node };
  });
}

function globBelow(entry) {
  return globChildren(entry).reduce(function (all, child) { return all.concat([child], globBelow(child)); }, []);
}

/* Regular expression for one name; a part without *, ? and [ matches itself only. */
function globMatcher(part) {
  var text = part.replace(/\*|\?|\[(!?)(\]?[^\]]*)\]|[\s\S]/g, function (token, not, members) {
    if (token === "*") { return "[\\s\\S]*"; }
    if (token === "?") { return "[\\s\\S]"; }
    if (members) { return "[" + (not ? "^" : "") + members.replace(/[\\\]\[\^]/g, "\\$&") + "]"; }
    return token.replace(/[\\\^$.*+?()\[\]{}|]/, "\\$&");
  });
  return new RegExp("^" + text + "$", /[*?\[]/.test(part) ? "i" : "");
}

function fileIn(directory, relative) {
  return relative.split("/").reduce(function (node, name) {
    var next;
    if (name === "" || name === ".") { return node; }
    next = (node.listing || []).filter(function (child) { return child.basename === name; })[0];
    if (!next) { throw new Error("there is no '" + relative + "' in the directory '" + directory.basename + "'"); }
    return next;
  }, directory);
}

/*
 * Text in a value that names something in a directory, replaced by what it names.
 *   how.relative  text without a leading / is taken below the directory; other text must begin with its path
 *   how.exact     the name of a file or directory is replaced by it; without how.glob yadage has published a
 *                 relative name before the step ran, and finds the difference afterwards
 *   how.glob      else a pattern that matches is replaced by the list of its matches
 */
function findFiles(value, directory, path, how) {
  if (value === null || typeof value === "boolean" || typeof value === "number") { return value; }
  if (typeof value === "string") { return findNamed(value, directory, path, how); }
  if (value["class"] === "File" || value["class"] === "Directory") { return value; }
  if (Array.isArray(value)) {
    return value.map(function (item) { return findFiles(item, directory, path, how); });
  }
  return Object.keys(value).reduce(function (found, key) {
    found[key] = findFiles(value[key], directory, path, how);
    return found;
  }, {});
}

function findNamed(text, directory, path, how) {
  var relative = text.indexOf(path + "/") === 0 ? text.slice(path.length + 1) : text;
  var found;
  if (relative === "" || relative.charAt(0) === "/" || (relative === text && !how.relative)) { return text; }
  if (relative.split("/").indexOf("..") >= 0) { throw new Error("'" + text + "' leaves the directory"); }
  if (how.exact) {
    found = relative.split("/").reduce(function (node, name) {
      if (name === "" || name === "." || node === undefined) { return node; }
      return (node.listing || []).filter(function (child) { return child.basename === name; })[0];
    }, directory);
    if (found && !how.glob && relative === text) {
      throw new Error("'" + text + "' names a file only after the step has run; yadage stops here. Use glob: true");
    }
    if (found) { return found; }
  }
  found = how.glob ? globListing(directory.listing, relative) : [];
  return found.length ? found : text;
}
