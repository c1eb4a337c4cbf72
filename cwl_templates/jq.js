/*
 * jq programs, given as a tree (recast_bridge.cwl.jq.parse makes it from the text of a program).
 *
 *   jqRun(tree, input, variables)   all outputs, an array; variables: {name: value}, may be left out
 *   jqTruthy(tree, input)           is the first output true in Python's sense? no output is an error
 *   jqText(tree, input)             the outputs as Python's json.dumps writes them, one a line
 *   jqStage(bindings, stepscript, postscript, index)   array of the parameter objects of a jq-stage of yadage
 *   jqRows(columns)                 {name: [value, ...], ...}, all of one length -> [{name: value, ...}, ...]
 *
 * A File or Directory is one value, never an object to look into: its type is "string", as in yadage, where it is
 * a path. It can be compared and its end tested; making another text from it is an error. In jqText it is its path.
 *
 * What rarer programs need is in jq-update.js and jq-more.js, which belong after this file.
 *
 * The tree: an array whose first element is the form, the others its parts; a tree where not said otherwise.
 *   ["id"]  ["rec"]  ["lit", value]  ["var", name]  ["fmt", format]
 *   ["get", target, key]  ["slice", target, from or null, to or null]  ["each", target]
 *   ["pipe", ...]  ["comma", ...]  ["neg", t]  ["op", operator, left, right]
 *   ["and", left, right]  ["or", left, right]  ["alt", left, right]
 *   ["if", condition, then, else]  ["try", body, handler or null]  ["label", name, body]  ["break", name]
 *   ["as", source, pattern, body]  ["reduce", source, pattern, start, update]
 *   ["foreach", source, pattern, start, update, extract]
 *   ["array", t or null]  ["object", [[key, value], ...]]  ["str", format or null, [text or [t], ...]]
 *   ["def", "name/arity", [parameter, ...], body, rest]  ["own", "name/arity", [t, ...]] calls what def or a
 *   parameter names, ["call", "name/arity", [t, ...]] a function of jq
 *   ["set", target, t]  ["modify", target, t]  ["update", operator, target, t]
 *   pattern: a name, ["array", [pattern, ...]] or ["object", [[key, name or null, pattern or null], ...]]
 *
 * Evaluation: jqEval(tree, scope, input, path, emit) calls emit(output, path) for every output. A path is null
 * where nobody asks for it, an array of keys where the output is a part of the input, else false.
 */

function jqRun(tree, input, variables) {
  var scope = Object.keys(variables || {}).reduce(function (outer, name) {
    return jqBind(outer, "$" + name, variables[name]);
  }, null);
  return jqOutputs(tree, scope, input);
}

function jqFirst(tree, input, what) {
  var outputs = jqRun(["call", "limit/2", [["lit", 1], tree]], input);
  if (outputs.length === 0) { throw new Error("the " + what + " has no output"); }
  return outputs[0];
}

/* yadage orders the keys of what it hands to jq. */
function jqTruthy(tree, input) {
  var value = jqFirst(tree, jqOrdered(input, "", null), "condition");
  if (jqKind(value) === "object") { return Object.keys(value).length > 0; }
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function jqText(tree, input) {
  var paths = jqOrdered(input, "", function (value) { return jqIsFile(value) ? jqPathText(value) : value; });
  function text(value) {
    if (Array.isArray(value)) { return "[" + value.map(text).join(", ") + "]"; }
    if (jqKind(value) !== "object") {
      return jqJson(value).replace(/[\u007f-\uffff]/g, function (found) {
        return "\\u" + ("000" + found.charCodeAt(0).toString(16)).slice(-4);
      });
    }
    return "{" + Object.keys(value).map(function (key) {
      return text(key) + ": " + text(value[key]);
    }).join(", ") + "}";
  }
  return jqRun(tree, paths).map(text).join("\n");
}

function jqRows(columns) {
  var names = Object.keys(columns);
  return names.length === 0 ? [] : columns[names[0]].map(function (ignored, row) {
    return names.reduce(function (object, name) {
      object[name] = columns[name][row];
      return object;
    }, {});
  });
}

/*
 * bindings:    as in the workflow; in an object {"$wflowref": [nodes, result]} both programs are trees. `nodes` runs
 *              on the index of steps, `result` on the result of every step that it selects.
 * stepscript:  tree; makes the array of parameter objects from the bindings. It does not see the values in results,
 *              only references {"$wflowpointer": ...} to them.
 * postscript:  tree; runs on every parameter object, with the values in place.
 * index:       {stage: [result, ...]}; an instance of a sub-workflow is {"$workflow": {its own index}}.
 */
function jqStage(bindings, stepscript, postscript, index) {
  var results = {};
  var values = {};
  var nodes = jqNodes(index, "", results);
  var bound = jqReplace(bindings, "$wflowref", function (reference) {
    return jqReplace(jqRun(reference[0], nodes), "_nodeid", function (step) {
      return jqRun(reference[1], jqOrdered(results[step], "", function (value, pointer) {
        values[step + "#" + pointer] = value;
        return { "$wflowpointer": { step: step, result: pointer } };
      }));
    });
  });
  var parameters = jqFirst(stepscript, bound, "stepscript");
  if (!Array.isArray(parameters)) { throw new Error("the output of the stepscript is not an array"); }
  return parameters.map(function (item) {
    return jqFirst(postscript, jqReplace(item, "$wflowpointer", function (pointer) {
      return values[pointer.step + "#" + pointer.result];
    }), "postscript");
  });
}

/* yadage's index of steps, and the results by the name of the step. */
function jqNodes(index, offset, results) {
  return Object.keys(index).reduce(function (nodes, stage) {
    nodes[stage] = index[stage].map(function (result, place) {
      var name = offset + "/" + stage + "/" + place;
      var inner;
      if (jqKind(result) === "object" && jqHas(result, "$workflow")) {
        inner = jqNodes(result.$workflow, name, results);
        inner._offset = name;
        return inner;
      }
      results[name] = result;
      return { _nodeid: name };
    });
    return nodes;
  }, {});
}

/* A copy of a value in which every object that has the key is replaced by replacement(object[key]). */
function jqReplace(value, key, replacement) {
  if (Array.isArray(value)) { return value.map(function (item) { return jqReplace(item, key, replacement); }); }
  if (jqKind(value) !== "object") { return value; }
  if (jqHas(value, key)) { return replacement(value[key]); }
  return Object.keys(value).reduce(function (copy, name) {
    copy[name] = jqReplace(value[name], key, replacement);
    return copy;
  }, {});
}

/* A copy with keys in order. With `leaf`, leaves other than null and false become leaf(value, JSON pointer). */
function jqOrdered(value, pointer, leaf) {
  if (Array.isArray(value)) {
    return value.map(function (item, place) { return jqOrdered(item, pointer + "/" + place, leaf); });
  }
  if (jqKind(value) !== "object") { return leaf && jqTrue(value) ? leaf(value, pointer) : value; }
  return jqKeys(value).reduce(function (copy, key) {
    copy[key] = jqOrdered(value[key], pointer + "/" + key.replace(/~/g, "~0").replace(/\//g, "~1"), leaf);
    return copy;
  }, {});
}

function jqEval(tree, scope, input, path, emit) {
  if (!jqHas(jqForms, tree[0])) { throw new Error("jq: " + tree[0] + " needs jq-update.js or jq-more.js"); }
  jqForms[tree[0]](tree, scope, input, path, emit);
}

function jqOutputs(tree, scope, input) {
  var outputs = [];
  jqEval(tree, scope, input, null, function (value) { outputs.push(value); });
  return outputs;
}

function jqBind(outer, name, value) {
  return { outer: outer, name: name, value: value };
}

function jqLookup(scope, name) {
  var place = scope;
  while (place !== null && place.name !== name) { place = place.outer; }
  return place;
}

/* An error of the jq program, which try can catch. */
function jqError(value) {
  var error = new Error("jq: " + (typeof value === "string" ? value : jqJson(value)));
  error.jqValue = { value: value };
  return error;
}

/* ---- values ---- */

function jqHas(object, key) {
  return Object.prototype.hasOwnProperty.call(object, key);
}

function jqIsFile(value) {
  return value !== null && typeof value === "object" && (value["class"] === "File" || value["class"] === "Directory");
}

function jqKind(value) {
  if (value === null || value === undefined) { return "null"; }
  if (Array.isArray(value)) { return "array"; }
  return jqIsFile(value) ? "string" : typeof value;
}

function jqTrue(value) {
  return value !== null && value !== undefined && value !== false;
}

function jqPathText(value) {
  return jqIsFile(value) ? String(value.path || value.location || value.basename) : value;
}

/* Text to build other text from. */
function jqPlain(value, what) {
  if (typeof value !== "string") { throw jqError(jqShow(value) + " " + what); }
  return value;
}

function jqShow(value) {
  var text;
  if (jqIsFile(value)) { return "a " + value["class"]; }
  text = jqJson(value);
  return jqKind(value) + " (" + (text.length > 30 ? text.slice(0, 27) + "..." : text) + ")";
}

function jqChars(text) {
  return text.match(/[\ud800-\udbff][\udc00-\udfff]|[\s\S]/g) || [];
}

function jqNumberText(number) {
  var parts, digits, exponent, size;
  if (number !== number) { return "null"; }
  if (!isFinite(number)) { return (number < 0 ? "-" : "") + "1.7976931348623157e+308"; }
  parts = Math.abs(number).toExponential().split("e");
  digits = parts[0].replace(".", "");
  exponent = Number(parts[1]);
  if (exponent < -4 || exponent > digits.length + 14) {
    size = Math.abs(exponent);
    return (number < 0 ? "-" : "") + parts[0] + "e" + (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "") + size;
  }
  if (exponent < 21) { return number === 0 && 1 / number < 0 ? "-0" : String(number); }
  return (number < 0 ? "-" : "") + digits + new Array(exponent + 2 - digits.length).join("0");
}

function jqJson(value) {
  var kind = jqKind(value);
  if (jqIsFile(value)) { throw jqError("a " + value["class"] + " cannot become text"); }
  if (kind === "number") { return jqNumberText(value); }
  if (kind === "array") { return "[" + value.map(jqJson).join(",") + "]"; }
  if (kind === "object") {
    return "{" + Object.keys(value).map(function (key) {
      return jqJson(key) + ":" + jqJson(value[key]);
    }).join(",") + "}";
  }
  return JSON.stringify(kind === "null" ? null : value).replace(/\x7f/g, "\\u007f");
}

function jqString(value) {
  return typeof value === "string" ? value : jqJson(value);
}

/* By code points, as jq orders text; JavaScript orders by halves of surrogate pairs. */
function jqCompareText(a, b) {
  var i = 0;
  function rank(text) {
    var unit = i < text.length ? text.charCodeAt(i) : -1;
    return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
  }
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) { i += 1; }
  return rank(a) - rank(b);
}

function jqKeys(object) {
  return Object.keys(object).sort(jqCompareText);
}

function jqCompareLists(a, b) {
  var i, order;
  for (i = 0; i < a.length && i < b.length; i += 1) {
    order = jqCompare(a[i], b[i]);
    if (order !== 0) { return order; }
  }
  return a.length - b.length;
}

function jqRank(value) {
  if (value === false) { return 1; }
  if (value === true) { return 2; }
  return { "null": 0, number: 3, string: 4, array: 5, object: 6 }[jqKind(value)];
}

function jqCompare(a, b) {
  var order = jqRank(a) - jqRank(b);
  var keys;
  if (order !== 0) { return order; }
  switch (jqKind(a)) {
    case "number": return a < b || a !== a ? -1 : a > b ? 1 : 0;
    case "string": return jqCompareText(jqPathText(a), jqPathText(b));
    case "array": return jqCompareLists(a, b);
    case "object":
      keys = jqKeys(a);
      return jqCompareLists(keys, jqKeys(b)) ||
        jqCompareLists(keys.map(function (key) { return a[key]; }), keys.map(function (key) { return b[key]; }));
    default: return 0;
  }
}

/* Sorted entries {key, value}; equal keys keep their order. */
function jqSorted(entries) {
  return entries.map(function (entry, place) { return { entry: entry, place: place }; }).sort(function (a, b) {
    return jqCompare(a.entry.key, b.entry.key) || a.place - b.place;
  }).map(function (item) { return item.entry; });
}

function jqGroups(entries) {
  return jqSorted(entries).reduce(function (groups, entry) {
    var last = groups[groups.length - 1];
    if (last && jqCompare(last[0].key, entry.key) === 0) { last.push(entry); } else { groups.push([entry]); }
    return groups;
  }, []);
}

function jqNeedArray(value, what) {
  if (!Array.isArray(value)) { throw jqError(jqShow(value) + " cannot be " + what + ", as it is not an array"); }
  return value;
}

function jqItems(value) {
  if (Array.isArray(value)) { return value; }
  if (jqKind(value) !== "object") { throw jqError("Cannot iterate over " + jqShow(value)); }
  return Object.keys(value).map(function (key) { return value[key]; });
}

/* ---- paths ---- */

function jqNone(path) {
  return path === null ? null : false;
}

function jqExtend(path, key, value) {
  if (path === false) { throw jqError("Invalid path expression with result " + jqShow(value)); }
  return path === null ? null : path.concat([key]);
}

/* Bounds of a slice, as whole numbers within 0..length. */
function jqBounds(length, slice) {
  function bound(value, usual, round) {
    var place;
    if (value === null || value === undefined) { return usual; }
    if (typeof value !== "number") { throw jqError("Start and end indices of an array slice must be numbers"); }
    place = round(value < 0 ? value + length : value);
    return Math.max(0, Math.min(length, place));
  }
  var from = bound(slice.start, 0, Math.floor);
  return { from: from, to: Math.max(from, bound(slice.end, length, Math.ceil)) };
}

function jqIndex(value, key) {
  var kind = jqKind(value);
  var bounds, place;
  if (jqKind(key) === "object") {
    if (kind === "null") { return null; }
    if (kind !== "array" && typeof value !== "string") { throw jqError("Cannot index " + kind + " with object"); }
    if (kind === "array") {
      bounds = jqBounds(value.length, key);
      return value.slice(bounds.from, bounds.to);
    }
    bounds = jqBounds(jqChars(value).length, key);
    return jqChars(value).slice(bounds.from, bounds.to).join("");
  }
  if (kind === "array" && typeof key === "number") {
    place = Math.floor(key);
    if (place < 0) { place += value.length; }
    return place >= 0 && place < value.length ? value[place] : null;
  }
  if (kind === "object" && typeof key === "string") { return jqHas(value, key) ? value[key] : null; }
  if (kind === "null" && (typeof key === "string" || typeof key === "number")) { return null; }
  throw jqError("Cannot index " + (jqIsFile(value) ? "a " + value["class"] : kind) + " with " +
    (typeof key === "string" ? '"' + key + '"' : jqKind(key)));
}

function jqGetPath(value, path) {
  return path.reduce(function (part, key) { return part === null ? null : jqIndex(part, key); }, value);
}

function jqObjectKey(key) {
  if (typeof key !== "string") { throw jqError("Cannot use " + jqShow(key) + " as object key"); }
  return key;
}

function jqSetKey(value, key, part) {
  var kind = jqKind(value);
  var copy, bounds, place;
  if (jqKind(key) === "object" && (kind === "array" || kind === "null")) {
    jqNeedArray(part, "put in place of an array slice");
    bounds = jqBounds((value || []).length, key);
    return (value || []).slice(0, bounds.from).concat(part, (value || []).slice(bounds.to));
  }
  if (typeof key === "number" && (kind === "array" || kind === "null")) {
    copy = (value || []).slice();
    place = Math.floor(key);
    if (place < 0) { place += copy.length; }
    if (place < 0) { throw jqError("Out of bounds negative array index"); }
    while (copy.length < place) { copy.push(null); }
    copy[place] = part;
    return copy;
  }
  if (typeof key === "string" && (kind === "object" || kind === "null")) {
    copy = {};
    Object.keys(value || {}).forEach(function (name) { copy[name] = value[name]; });
    copy[key] = part;
    return copy;
  }
  throw jqError("Cannot index " + kind + " with " + jqShow(key));
}

function jqPaths(tree, scope, input) {
  var paths = [];
  jqEval(tree, scope, input, [], function (value, path) {
    if (path === false) { throw jqError("Invalid path expression with result " + jqShow(value)); }
    paths.push(path);
  });
  return paths;
}

/* ---- operators ---- */

function jqSum(a, b) {
  var kind = jqKind(a);
  if (a === null) { return b; }
  if (b === null) { return a; }
  if (kind !== jqKind(b) || kind === "boolean" || jqIsFile(a) || jqIsFile(b)) {
    throw jqError(jqShow(a) + " and " + jqShow(b) + " cannot be added");
  }
  return kind === "array" ? a.concat(b) : kind === "object" ? jqMerge(a, b, false) : a + b;
}

function jqMerge(a, b, deep) {
  return Object.keys(b).reduce(function (merged, key) {
    var both = deep && jqHas(merged, key) && jqKind(merged[key]) === "object" && jqKind(b[key]) === "object";
    return jqSetKey(merged, key, both ? jqMerge(merged[key], b[key], true) : b[key]);
  }, a);
}

function jqRepeat(text, times) {
  if (times < 0) { return null; }
  return new Array((times < 1 && times > 0 ? 1 : Math.floor(times)) + 1).join(text);
}

function jqNotDivided(a, b) {
  return jqError(jqShow(a) + " and " + jqShow(b) + " cannot be divided" + (b === 0 ? ": the divisor is zero" : ""));
}

var jqOperators = {
  "+": jqSum,
  "-": function (a, b) {
    if (typeof a === "number" && typeof b === "number") { return a - b; }
    if (Array.isArray(a) && Array.isArray(b)) {
      return a.filter(function (item) { return b.every(function (other) { return jqCompare(item, other) !== 0; }); });
    }
    throw jqError(jqShow(a) + " and " + jqShow(b) + " cannot be subtracted");
  },
  "*": function (a, b) {
    if (typeof a === "number" && typeof b === "number") { return a * b; }
    if (typeof a === "string" && typeof b === "number") { return jqRepeat(a, b); }
    if (typeof a === "number" && typeof b === "string") { return jqRepeat(b, a); }
    if (jqKind(a) === "object" && jqKind(b) === "object") { return jqMerge(a, b, true); }
    throw jqError(jqShow(a) + " and " + jqShow(b) + " cannot be multiplied");
  },
  "/": function (a, b) {
    if (typeof a === "string" && typeof b === "string") { return jqSplit(a, b); }
    if (typeof a === "number" && typeof b === "number" && b !== 0) { return a / b; }
    throw jqNotDivided(a, b);
  },
  "%": function (a, b) {
    function whole(number) { return number < 0 ? Math.ceil(number) : Math.floor(number); }
    if (typeof a !== "number" || typeof b !== "number" || whole(b) === 0) { throw jqNotDivided(a, b); }
    return whole(a) % Math.abs(whole(b)) || 0;
  },
  "==": function (a, b) { return jqCompare(a, b) === 0; },
  "!=": function (a, b) { return jqCompare(a, b) !== 0; },
  "<": function (a, b) { return jqCompare(a, b) < 0; },
  "<=": function (a, b) { return jqCompare(a, b) <= 0; },
  ">": function (a, b) { return jqCompare(a, b) > 0; },
  ">=": function (a, b) { return jqCompare(a, b) >= 0; },
  "//": function (a, b) { return jqTrue(a) ? a : b; }
};

/* ---- forms ---- */

/* Calls then(scope) with the names of a pattern bound. */
function jqMatch(pattern, scope, value, then) {
  var parts = pattern[1];
  function next(index, inner) {
    var part = parts[index];
    if (index === parts.length) { then(inner); return; }
    if (pattern[0] === "array") {
      jqMatch(part, inner, jqIndex(value, index), function (bound) { next(index + 1, bound); });
      return;
    }
    jqEval(part[0], inner, value, null, function (key) {
      var found = jqIndex(value, jqKind(key) === "string" ? key : jqPlain(key, "cannot be an object key"));
      var named = part[1] === null ? inner : jqBind(inner, "$" + part[1], found);
      if (part[2] === null) { next(index + 1, named); return; }
      jqMatch(part[2], named, found, function (bound) { next(index + 1, bound); });
    });
  }
  if (typeof pattern === "string") { then(jqBind(scope, "$" + pattern, value)); return; }
  next(0, scope);
}

/* Runs body(emit'); an error that comes from what follows emit' is not the body's, and passes the handler by. */
function jqGuard(body, emit, handler) {
  try {
    body(function (value, path) {
      try { emit(value, path); } catch (error) { throw { jqPassing: error }; }
    });
  } catch (error) {
    if (error && error.jqPassing) { throw error.jqPassing; }
    if (!error || !error.jqValue) { throw error; }
    handler(error.jqValue.value);
  }
}

/* Runs body(stop); calling stop() ends it. */
function jqStoppable(body) {
  var signal = {};
  try {
    body(function () { throw signal; });
  } catch (error) {
    if (error !== signal) { throw error; }
  }
}

/* The states of a reduce or foreach; seen(state) after every output of the update. */
function jqFold(tree, scope, state, seen) {
  jqEval(tree[1], scope, state.input, null, function (item) {
    jqMatch(tree[2], scope, item, function (bound) {
      var last = { value: null, path: jqNone(state.path) };
      jqEval(tree[4], bound, state.value, state.path, function (value, path) {
        last = { value: value, path: path };
        if (seen) { seen(bound, value, path); }
      });
      if (!seen || last.path !== false) { state.value = last.value; state.path = last.path; }
    });
  });
}

var jqForms = {
  id: function (tree, scope, input, path, emit) { emit(input, path); },
  rec: function (tree, scope, input, path, emit) {
    jqUnfold(function (value, place, next) {
      if (Array.isArray(value) || jqKind(value) === "object") { jqForms.each([0, ["id"]], null, value, place, next); }
    }, null, input, path, emit);
  },
  lit: function (tree, scope, input, path, emit) { emit(tree[1], jqNone(path)); },
  "var": function (tree, scope, input, path, emit) { emit(jqLookup(scope, "$" + tree[1]).value, jqNone(path)); },
  fmt: function (tree, scope, input, path, emit) { emit(jqFormatted(tree[1], input), jqNone(path)); },
  get: function (tree, scope, input, path, emit) {
    jqEval(tree[2], scope, input, null, function (key) {
      jqEval(tree[1], scope, input, path, function (value, place) {
        emit(jqIndex(value, key), jqExtend(place, key, value));
      });
    });
  },
  slice: function (tree, scope, input, path, emit) {
    jqEval(tree[3] || ["lit", null], scope, input, null, function (to) {
      jqEval(tree[2] || ["lit", null], scope, input, null, function (from) {
        jqForms.get([0, tree[1], ["lit", { start: from, end: to }]], scope, input, path, emit);
      });
    });
  },
  each: function (tree, scope, input, path, emit) {
    jqEval(tree[1], scope, input, path, function (value, place) {
      var keys = Array.isArray(value) ? null : Object.keys(jqKind(value) === "object" ? value : {});
      jqItems(value).forEach(function (item, index) {
        emit(item, jqExtend(place, keys ? keys[index] : index, value));
      });
    });
  },
  pipe: function (tree, scope, input, path, emit) {
    function step(index, value, place) {
      if (index === tree.length) { emit(value, place); return; }
      jqEval(tree[index], scope, value, place, function (output, where) { step(index + 1, output, where); });
    }
    step(1, input, path);
  },
  comma: function (tree, scope, input, path, emit) {
    tree.slice(1).forEach(function (part) { jqEval(part, scope, input, path, emit); });
  },
  neg: function (tree, scope, input, path, emit) {
    jqEval(tree[1], scope, input, null, function (value) {
      if (typeof value !== "number") { throw jqError(jqShow(value) + " cannot be negated"); }
      emit(-value, jqNone(path));
    });
  },
  op: function (tree, scope, input, path, emit) {
    jqEval(tree[3], scope, input, null, function (right) {
      jqEval(tree[2], scope, input, null, function (left) { emit(jqOperators[tree[1]](left, right), jqNone(path)); });
    });
  },
  and: function (tree, scope, input, path, emit) {
    var decided = tree[0] === "or";
    jqEval(tree[1], scope, input, null, function (left) {
      if (jqTrue(left) === decided) { emit(decided, jqNone(path)); return; }
      jqEval(tree[2], scope, input, null, function (right) { emit(jqTrue(right), jqNone(path)); });
    });
  },
  or: function (tree, scope, input, path, emit) { jqForms.and(tree, scope, input, path, emit); },
  alt: function (tree, scope, input, path, emit) {
    var some = false;
    jqGuard(function (guarded) {
      jqEval(tree[1], scope, input, path, function (value, place) {
        if (jqTrue(value)) { some = true; guarded(value, place); }
      });
    }, emit, function () { return undefined; });
    if (!some) { jqEval(tree[2], scope, input, path, emit); }
  },
  "if": function (tree, scope, input, path, emit) {
    jqEval(tree[1], scope, input, null, function (value) {
      jqEval(jqTrue(value) ? tree[2] : tree[3], scope, input, path, emit);
    });
  },
  "try": function (tree, scope, input, path, emit) {
    var caught = null;
    jqGuard(function (guarded) { jqEval(tree[1], scope, input, path, guarded); }, emit, function (value) {
      caught = { value: value };
    });
    if (caught && tree[2]) { jqEval(tree[2], scope, caught.value, jqNone(path), emit); }
  },
  as: function (tree, scope, input, path, emit) {
    jqEval(tree[1], scope, input, null, function (value) {
      jqMatch(tree[2], scope, value, function (bound) { jqEval(tree[3], bound, input, path, emit); });
    });
  },
  reduce: function (tree, scope, input, path, emit) {
    jqEval(tree[3], scope, input, path, function (start, place) {
      var state = { input: input, value: start, path: place };
      jqFold(tree, scope, state, null);
      emit(state.value, state.path);
    });
  },
  array: function (tree, scope, input, path, emit) {
    emit(tree[1] ? jqOutputs(tree[1], scope, input) : [], jqNone(path));
  },
  object: function (tree, scope, input, path, emit) {
    function pair(index, object) {
      if (index === tree[1].length) { emit(object, jqNone(path)); return; }
      jqEval(tree[1][index][0], scope, input, null, function (key) {
        jqEval(tree[1][index][1], scope, input, null, function (value) {
          pair(index + 1, jqSetKey(object, jqObjectKey(key), value));
        });
      });
    }
    pair(0, {});
  },
  str: function (tree, scope, input, path, emit) {
    function part(index, text) {
      if (index < 0) { emit(text, jqNone(path)); return; }
      if (typeof tree[2][index] === "string") { part(index - 1, tree[2][index] + text); return; }
      jqEval(tree[2][index][0], scope, input, null, function (value) {
        part(index - 1, jqFormatted(tree[1] || "text", value) + text);
      });
    }
    part(tree[2].length - 1, "");
  },
  def: function (tree, scope, input, path, emit) {
    var inner = jqBind(scope, tree[1], { parameters: tree[2], body: tree[3], scope: null });
    inner.value.scope = inner;
    jqEval(tree[4], inner, input, path, emit);
  },
  own: function (tree, scope, input, path, emit) {
    jqCall(jqLookup(scope, tree[1]).value, tree[2], scope, input, path, emit);
  },
  call: function (tree, scope, input, path, emit) {
    var name = tree[1];
    if (jqHas(jqStreams, name)) { jqStreams[name](tree[2], scope, input, path, emit); return; }
    if (!jqHas(jqFunctions, name)) { throw new Error("jq: " + name + " needs jq-update.js or jq-more.js"); }
    jqArguments(tree[2].slice().reverse(), scope, input, function (values) {
      emit(jqFunctions[name].apply(null, values.concat([input]).reverse()), jqNone(path));
    });
  }
};

/* Calls a function of the program; a parameter written $name takes every value of its argument in turn. */
function jqCall(callee, given, scope, input, path, emit) {
  function bind(index, inner) {
    var name = callee.parameters[index];
    var closure = { parameters: [], body: given[index], scope: scope };
    if (index === given.length) { jqEval(callee.body, inner, input, path, emit); return; }
    if (name.charAt(0) !== "$") { bind(index + 1, jqBind(inner, name + "/0", closure)); return; }
    jqEval(given[index], scope, input, null, function (value) {
      var constant = { parameters: [], body: ["lit", value], scope: null };
      bind(index + 1, jqBind(jqBind(inner, name, value), name.slice(1) + "/0", constant));
    });
  }
  bind(0, callee.scope);
}

/* Calls then(values) for every combination of the arguments' outputs. */
function jqArguments(given, scope, input, then) {
  function next(index, values) {
    if (index === given.length) { then(values); return; }
    jqEval(given[index], scope, input, null, function (value) { next(index + 1, values.concat([value])); });
  }
  next(0, []);
}

/* A value, then what grows from it, depth first; `go` (may be null) says for which values. Not recursive. */
function jqUnfold(grow, go, input, path, emit) {
  var waiting = [{ value: input, path: path }];
  var item, grown;
  function collect(value, place) { grown.push({ value: value, path: place }); }
  while (waiting.length) {
    item = waiting.pop();
    if (!go || go(item.value)) {
      emit(item.value, item.path);
      grown = [];
      grow(item.value, item.path, collect);
      waiting = waiting.concat(grown.reverse());
    }
  }
}

/* ---- functions that take programs, or have several outputs: (arguments, scope, input, path, emit) ---- */

/* Does any (wanted true) or not every (wanted false) output of generator|condition hold? */
function jqSearch(given, scope, input, wanted) {
  var found = !wanted;
  jqStoppable(function (stop) {
    jqEval(["pipe", given[0], given[1]], scope, input, null, function (value) {
      if (jqTrue(value) === wanted) { found = wanted; stop(); }
    });
  });
  return found;
}

function jqKeyed(given, scope, input, what) {
  return jqNeedArray(input, what).map(function (item) {
    return { key: jqOutputs(given[0], scope, item), value: item };
  });
}

function jqLimited(count, tree, scope, input, path, emit) {
  var left = count;
  if (count < 0) { throw jqError("limit doesn't support negative count"); }
  if (count === 0) { return; }
  jqStoppable(function (stop) {
    jqEval(tree, scope, input, path, function (value, place) {
      left -= 1;
      emit(value, place);
      if (left <= 0) { stop(); }
    });
  });
}

var jqStreams = {
  "empty/0": function () { return undefined; },
  "error/1": function (given, scope, input) {
    jqEval(given[0], scope, input, null, function (value) { throw jqError(value); });
  },
  "path/1": function (given, scope, input, path, emit) {
    jqPaths(given[0], scope, input).forEach(function (place) { emit(place, jqNone(path)); });
  },
  "getpath/1": function (given, scope, input, path, emit) {
    jqEval(given[0], scope, input, null, function (keys) {
      var value = jqGetPath(input, jqNeedArray(keys, "a path"));
      emit(value, keys.reduce(function (place, key) { return jqExtend(place, key, input); }, path));
    });
  },
  "recurse/1": function (given, scope, input, path, emit) {
    jqUnfold(function (value, place, next) { jqEval(given[0], scope, value, place, next); }, null, input, path, emit);
  },
  "limit/2": function (given, scope, input, path, emit) {
    jqEval(given[0], scope, input, null, function (count) { jqLimited(count, given[1], scope, input, path, emit); });
  },
  "any/2": function (given, scope, input, path, emit) { emit(jqSearch(given, scope, input, true), jqNone(path)); },
  "range/3": function (given, scope, input, path, emit) {
    jqArguments(given, scope, input, function (values) {
      var by = values[2], to = values[1], at;
      values.forEach(jqNumeric);
      for (at = values[0]; by > 0 ? at < to : by < 0 ? at > to : at < to; at += by) { emit(at, jqNone(path)); }
    });
  },
  "sort_by/1": function (given, scope, input, path, emit) {
    var sorted = jqSorted(jqKeyed(given, scope, input, "sorted"));
    emit(sorted.map(function (entry) { return entry.value; }), jqNone(path));
  },
  "group_by/1": function (given, scope, input, path, emit) {
    emit(jqGroups(jqKeyed(given, scope, input, "grouped")).map(function (group) {
      return group.map(function (entry) { return entry.value; });
    }), jqNone(path));
  }
};

/* ---- text ---- */

function jqSplit(text, separator) {
  if (text === "") { return []; }
  return separator === "" ? jqChars(text) : text.split(separator);
}

function jqFormatted(name, value) {
  if (!jqHas(jqFormats, name)) { throw new Error("jq: @" + name + " needs jq-more.js"); }
  return jqFormats[name](value);
}

var jqFormats = {
  text: jqString,
  json: jqJson
};

/* ---- functions of values: (input, argument values) ---- */

function jqContains(a, b) {
  if (jqKind(a) !== jqKind(b)) {
    throw jqError(jqShow(a) + " and " + jqShow(b) + " cannot have their containment checked");
  }
  if (jqKind(a) === "object") {
    return Object.keys(b).every(function (key) {
      return jqHas(a, key) && jqKind(a[key]) === jqKind(b[key]) && jqContains(a[key], b[key]);
    });
  }
  if (Array.isArray(a)) {
    return b.every(function (part) {
      return a.some(function (item) { return jqKind(item) === jqKind(part) && jqContains(item, part); });
    });
  }
  return typeof a === "string" && typeof b === "string" ? a.indexOf(b) >= 0 : jqCompare(a, b) === 0;
}

function jqFlatten(list, depth) {
  return list.reduce(function (all, item) {
    return all.concat(!Array.isArray(item) ? [item] : depth > 0 ? jqFlatten(item, depth - 1) : [item]);
  }, []);
}

function jqHasKey(value, key) {
  if (jqKind(value) === "object" && typeof key === "string") { return jqHas(value, key); }
  if (Array.isArray(value) && typeof key === "number") { return key >= 0 && key < value.length; }
  throw jqError("Cannot check whether " + jqKind(value) + " has a " + jqKind(key) + " key");
}

function jqEnds(input, part, what, start) {
  var text = jqPathText(input);
  if (typeof text !== "string" || typeof part !== "string") { throw jqError(what + "() requires string inputs"); }
  return start ? text.slice(0, part.length) === part : part === "" || text.slice(-part.length) === part;
}

function jqKeysOf(value, sorted) {
  if (Array.isArray(value)) { return value.map(function (ignored, index) { return index; }); }
  if (jqKind(value) !== "object") { throw jqError(jqShow(value) + " has no keys"); }
  return sorted ? jqKeys(value) : Object.keys(value);
}

function jqNumeric(number) {
  if (typeof number !== "number") { throw jqError(jqShow(number) + " is not a number"); }
  return number;
}

var jqFunctions = {
  "not/0": function (input) { return !jqTrue(input); },
  "length/0": function (input) {
    var kind = jqKind(input);
    if (kind === "null") { return 0; }
    if (kind === "number") { return Math.abs(input); }
    if (kind === "array") { return input.length; }
    if (kind === "object") { return Object.keys(input).length; }
    return jqChars(jqPlain(input, "has no length")).length;
  },
  "type/0": jqKind,
  "keys/0": function (input) { return jqKeysOf(input, true); },
  "keys_unsorted/0": function (input) { return jqKeysOf(input, false); },
  "has/1": jqHasKey,
  "contains/1": jqContains,
  "add/0": function (input) { return jqItems(input).reduce(jqSum, null); },
  "flatten/1": function (input, depth) {
    if (depth < 0) { throw jqError("flatten depth must not be negative"); }
    return jqFlatten(jqItems(input), depth);
  },
  "floor/0": function (input) { return Math.floor(jqNumeric(input)); },
  "tostring/0": jqString,
  "tojson/0": jqJson,
  "tonumber/0": function (input) {
    if (typeof input === "number") { return input; }
    if (!/^-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/.test(jqPlain(input, "cannot be parsed as a number"))) {
      throw jqError(jqShow(input) + " cannot be parsed as a number");
    }
    return Number(input);
  },
  "reverse/0": function (input) {
    return input === null ? [] : jqNeedArray(input, "reversed").slice().reverse();
  },
  "startswith/1": function (input, part) { return jqEnds(input, part, "startswith", true); },
  "endswith/1": function (input, part) { return jqEnds(input, part, "endswith", false); },
  "ltrimstr/1": function (input, part) {
    if (jqIsFile(input) || !jqEnds(input, part, "startswith", true)) { return input; }
    return input.slice(part.length);
  },
  "rtrimstr/1": function (input, part) {
    if (jqIsFile(input) || !jqEnds(input, part, "endswith", false)) { return input; }
    return input.slice(0, input.length - part.length);
  },
  "split/1": function (input, separator) {
    return jqSplit(jqPlain(input, "cannot be split"), jqPlain(separator, "cannot be a separator"));
  },
  "join/1": function (input, separator) {
    var items = jqItems(input);
    if (items.length === 0) { return ""; }
    return items.map(function (item) {
      if (item !== null && typeof item === "object") { throw jqError(jqShow(item) + " cannot be joined"); }
      return item === null ? "" : jqString(item);
    }).join(items.length > 1 ? jqPlain(separator, "cannot be a separator") : "");
  },
  "to_entries/0": function (input) {
    return jqKeysOf(input, false).map(function (key) { return { key: key, value: input[key] }; });
  },
  "from_entries/0": function (input) {
    return jqItems(input).reduce(function (object, entry) {
      var key = ["key", "name", "Name", "Key"].reduce(function (found, name) {
        return jqTrue(found) ? found : jqIndex(entry, name);
      }, null);
      return jqSetKey(object, jqObjectKey(key), jqIndex(entry, jqHas(entry, "value") ? "value" : "Value"));
    }, {});
  }
};
