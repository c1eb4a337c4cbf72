/*
 * Addition to jq.js: programs that change a part of their input. Assignments (=, |=, +=, ..., map_values), setpath,
 * delpaths, del, walk.
 */

function jqSetPath(value, path, part) {
  if (path.length === 0) { return part; }
  return jqSetKey(value, path[0], jqSetPath(jqIndex(value, path[0]), path.slice(1), part));
}

function jqDeletePath(value, path) {
  var copy, bounds, place;
  if (value === null) { return null; }
  if (path.length > 1) {
    if (jqIndex(value, path[0]) === null) { return value; }
    return jqSetKey(value, path[0], jqDeletePath(jqIndex(value, path[0]), path.slice(1)));
  }
  if (Array.isArray(value) && jqKind(path[0]) === "object") {
    bounds = jqBounds(value.length, path[0]);
    return value.slice(0, bounds.from).concat(value.slice(bounds.to));
  }
  if (Array.isArray(value) && typeof path[0] === "number") {
    place = path[0] < 0 ? path[0] + value.length : Math.floor(path[0]);
    return value.filter(function (ignored, index) { return index !== place; });
  }
  if (jqKind(value) === "object" && typeof path[0] === "string") {
    copy = {};
    Object.keys(value).forEach(function (key) { if (key !== path[0]) { copy[key] = value[key]; } });
    return copy;
  }
  throw jqError("Cannot delete field at " + jqKind(path[0]) + " of " + jqKind(value));
}

/* The last path first, so that the others still point at what they meant. */
function jqDeletePaths(value, paths) {
  return paths.slice().sort(jqCompare).reverse().reduce(function (rest, path) {
    return path.length === 0 ? null : jqDeletePath(rest, path);
  }, value);
}

jqForms.set = function (tree, scope, input, path, emit) {
  jqEval(tree[2], scope, input, null, function (value) {
    emit(jqPaths(tree[1], scope, input).reduce(function (whole, place) {
      return jqSetPath(whole, place, value);
    }, input), jqNone(path));
  });
};

jqForms.modify = function (tree, scope, input, path, emit) {
  var gone = [];
  var changed = jqPaths(tree[1], scope, input).reduce(function (whole, place) {
    var first = { outputs: [] };
    jqStoppable(function (stop) {
      jqEval(tree[2], scope, jqGetPath(whole, place), null, function (value) { first.outputs.push(value); stop(); });
    });
    if (first.outputs.length) { return jqSetPath(whole, place, first.outputs[0]); }
    gone.push(place);
    return whole;
  }, input);
  emit(jqDeletePaths(changed, gone), jqNone(path));
};

jqForms.update = function (tree, scope, input, path, emit) {
  jqEval(tree[3], scope, input, null, function (value) {
    emit(jqPaths(tree[2], scope, input).reduce(function (whole, place) {
      return jqSetPath(whole, place, jqOperators[tree[1]](jqGetPath(whole, place), value));
    }, input), jqNone(path));
  });
};

jqStreams["walk/1"] = function (given, scope, input, path, emit) {
  function walk(value, then) {
    var inner = value;
    if (Array.isArray(value)) {
      inner = [];
      value.forEach(function (item) { walk(item, function (output) { inner.push(output); }); });
    } else if (jqKind(value) === "object") {
      inner = {};
      Object.keys(value).forEach(function (key) {
        walk(value[key], function (output) { if (!jqHas(inner, key)) { inner[key] = output; } });
      });
    }
    jqEval(given[0], scope, inner, null, then);
  }
  walk(input, function (value) { emit(value, jqNone(path)); });
};

jqFunctions["setpath/2"] = function (input, path, value) {
  return jqSetPath(input, jqNeedArray(path, "a path"), value);
};

jqFunctions["delpaths/1"] = function (input, paths) {
  return jqDeletePaths(input, jqNeedArray(paths, "a list of paths"));
};
