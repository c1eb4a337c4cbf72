/*
 * Addition to jq.js: regular expressions (match, test, capture, scan, split, splits, sub, gsub; ECMAScript's syntax,
 * flags g, i, n and s), the formats @csv, @tsv, @sh, @html and @uri, and rarer functions of text, lists and numbers.
 */

/* Places of a part in an array or in text. */
function jqIndices(value, part) {
  var whole = typeof value === "string" ? jqChars(value) : value;
  var wanted = Array.isArray(part) ? part : [part];
  if (typeof value === "string") { wanted = jqChars(jqPlain(part, "cannot be searched in text")); }
  if (wanted.length === 0) { return null; }
  return whole.map(function (ignored, index) { return index; }).filter(function (index) {
    return jqCompareLists(whole.slice(index, index + wanted.length), wanted) === 0;
  });
}

/* A regular expression: named groups, which ECMAScript 5 lacks, become plain ones with their names beside them. */
function jqPattern(source, flags) {
  var names = [];
  var options = flags || "";
  /* Escapes and character classes are stepped over. */
  var groups = /\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|\((?:\?<([A-Za-z_]\w*)>|(?!\?))/g;
  var dots = /\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|\./g;
  var text = source.replace(groups, function (token, name) {
    if (token.charAt(0) !== "(") { return token; }
    names.push(name || null);
    return "(";
  });
  if (/[^gins]/.test(options)) { throw jqError(options + " is not a supported modifier string"); }
  if (options.indexOf("s") >= 0) {
    text = text.replace(dots, function (token) { return token === "." ? "[\\s\\S]" : token; });
  }
  return { expression: new RegExp(text, "g" + (options.indexOf("i") >= 0 ? "i" : "")), names: names };
}

/* The match objects of jq's match(): offset, length, string, captures. */
function jqMatches(input, regex, flags) {
  var source = Array.isArray(regex) ? regex[0] : regex;
  var options = (Array.isArray(regex) ? regex[1] : flags) || "";
  var found = [];
  var text = jqPathText(input);
  var pattern, match;
  function place(start) { return jqChars(text.slice(0, start)).length; }
  function capture(part, index) {
    if (part === undefined) { return { offset: -1, length: 0, string: null, name: pattern.names[index] }; }
    return {
      offset: place(text.indexOf(part, match.index)), length: jqChars(part).length, string: part,
      name: pattern.names[index]
    };
  }
  if (typeof text !== "string") { throw jqError(jqShow(input) + " cannot be matched, as it is not a string"); }
  pattern = jqPattern(jqPlain(source, "cannot be matched, as it is not a string"), options);
  for (match = pattern.expression.exec(text); match; match = pattern.expression.exec(text)) {
    if (match[0] !== "" || options.indexOf("n") < 0) {
      found.push({
        offset: place(match.index), length: jqChars(match[0]).length, string: match[0],
        captures: match.slice(1).map(capture)
      });
    }
    if (match[0] === "") { pattern.expression.lastIndex += 1; }
    if (options.indexOf("g") < 0) { break; }
  }
  return found;
}

function jqCaptured(match) {
  return match.captures.reduce(function (named, capture) {
    if (capture.name !== null) { named[capture.name] = capture.string; }
    return named;
  }, {});
}

function jqRow(value, what, cell) {
  return jqNeedArray(value, what + "-formatted").map(function (item) {
    if (item === null) { return ""; }
    if (typeof item === "object") { throw jqError(jqShow(item) + " is not valid in a " + what + " row"); }
    return typeof item === "string" ? cell(item) : jqJson(item);
  });
}

jqFormats.csv = function (value) {
  return jqRow(value, "csv", function (item) { return '"' + item.replace(/"/g, '""') + '"'; }).join(",");
};

jqFormats.tsv = function (value) {
  var escapes = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
  return jqRow(value, "tsv", function (item) {
    return item.replace(/[\\\t\n\r]/g, function (found) { return escapes[found]; });
  }).join("\t");
};

jqFormats.sh = function (value) {
  return (Array.isArray(value) ? value : [value]).map(function (item) {
    if (item !== null && typeof item === "object") { throw jqError(jqShow(item) + " can not be escaped for shell"); }
    return typeof item === "string" ? "'" + item.replace(/'/g, "'\\''") + "'" : jqJson(item);
  }).join(" ");
};

jqFormats.html = function (value) {
  var entities = { "<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&apos;", '"': "&quot;" };
  return jqString(value).replace(/[<>&'"]/g, function (found) { return entities[found]; });
};

jqFormats.uri = function (value) {
  return encodeURIComponent(jqString(value)).replace(/[!'()*]/g, function (found) {
    return "%" + found.charCodeAt(0).toString(16).toUpperCase();
  });
};

jqStreams["match/2"] = function (given, scope, input, path, emit) {
  jqArguments(given, scope, input, function (values) {
    jqMatches(input, values[0], values[1]).forEach(function (found) { emit(found, jqNone(path)); });
  });
};

jqStreams["sub/3"] = function (given, scope, input, path, emit) {
  jqArguments([given[0], given[2]], scope, input, function (values) {
    var found = jqMatches(input, values[0], values[1]);
    function next(index, at, text) {
      var match = found[index];
      if (!match) { emit(text + jqChars(input).slice(at).join(""), jqNone(path)); return; }
      jqEval(given[1], scope, jqCaptured(match), null, function (insert) {
        next(index + 1, match.offset + match.length, text + jqChars(input).slice(at, match.offset).join("") +
          jqPlain(insert, "cannot be put into text"));
      });
    }
    next(0, 0, "");
  });
};

jqFunctions["split/2"] = function (input, regex, flags) {
  var at = 0;
  var parts = jqMatches(input, regex, "g" + (flags || "")).map(function (match) {
    var part = jqChars(input).slice(at, match.offset).join("");
    at = match.offset + match.length;
    return part;
  });
  return parts.concat([jqChars(input).slice(at).join("")]);
};

jqFunctions["indices/1"] = function (input, part) { return input === null ? null : jqIndices(input, part); };

jqFunctions["index/1"] = function (input, part) {
  var found = input === null ? null : jqIndices(input, part);
  return found && found.length ? found[0] : null;
};

jqFunctions["rindex/1"] = function (input, part) {
  var found = input === null ? null : jqIndices(input, part);
  return found && found.length ? found[found.length - 1] : null;
};

jqFunctions["trim/0"] = function (input) { return jqPlain(input, "cannot be trimmed").replace(/^\s+|\s+$/g, ""); };

jqFunctions["ltrim/0"] = function (input) { return jqPlain(input, "cannot be trimmed").replace(/^\s+/, ""); };

jqFunctions["rtrim/0"] = function (input) { return jqPlain(input, "cannot be trimmed").replace(/\s+$/, ""); };

jqFunctions["ascii_downcase/0"] = function (input) {
  return jqPlain(input, "has no lower case").replace(/[A-Z]/g, function (found) { return found.toLowerCase(); });
};

jqFunctions["ascii_upcase/0"] = function (input) {
  return jqPlain(input, "has no upper case").replace(/[a-z]/g, function (found) { return found.toUpperCase(); });
};

jqFunctions["explode/0"] = function (input) {
  return jqChars(jqPlain(input, "cannot be exploded")).map(function (found) {
    var high = found.charCodeAt(0);
    return found.length < 2 ? high : (high - 0xd800) * 0x400 + found.charCodeAt(1) - 0xdc00 + 0x10000;
  });
};

jqFunctions["implode/0"] = function (input) {
  return jqNeedArray(input, "imploded").map(function (code) {
    var rest = jqNumeric(code) - 0x10000;
    if (rest < 0) { return String.fromCharCode(code); }
    return String.fromCharCode(0xd800 + Math.floor(rest / 0x400), 0xdc00 + rest % 0x400);
  }).join("");
};

jqFunctions["transpose/0"] = function (input) {
  var width = input.reduce(function (most, row) { return Math.max(most, row.length); }, 0);
  return new Array(width + 1).join(" ").split("").map(function (ignored, column) {
    return input.map(function (row) { return column < row.length ? row[column] : null; });
  });
};

jqFunctions["exp/0"] = function (input) { return Math.exp(jqNumeric(input)); };

jqFunctions["log/0"] = function (input) { return Math.log(jqNumeric(input)); };

jqFunctions["pow/2"] = function (input, base, exponent) { return Math.pow(jqNumeric(base), jqNumeric(exponent)); };

jqFunctions["fabs/0"] = function (input) { return Math.abs(jqNumeric(input)); };

jqFunctions["infinite/0"] = function () { return Infinity; };

jqFunctions["nan/0"] = function () { return NaN; };

jqFunctions["isnan/0"] = function (input) { return jqNumeric(input) !== input; };

jqFunctions["isinfinite/0"] = function (input) { return Math.abs(jqNumeric(input)) === Infinity; };

function jqFirstTrue(outputs) {
  return outputs.length > 0 && jqTrue(outputs[0]);
}

jqForms.label = function (tree, scope, input, path, emit) {
  jqStoppable(function (stop) { jqEval(tree[2], jqBind(scope, "*" + tree[1], stop), input, path, emit); });
};

jqForms["break"] = function (tree, scope) { jqLookup(scope, "*" + tree[1]).value(); };

jqForms.foreach = function (tree, scope, input, path, emit) {
  jqEval(tree[3], scope, input, path, function (start, place) {
    jqFold(tree, scope, { input: input, value: start, path: place }, function (bound, value, where) {
      jqEval(tree[5], bound, value, where, emit);
    });
  });
};

jqStreams["while/2"] = function (given, scope, input, path, emit) {
  jqUnfold(function (value, place, next) { jqEval(given[1], scope, value, place, next); }, function (value) {
    return jqFirstTrue(jqOutputs(given[0], scope, value));
  }, input, path, emit);
};

jqStreams["until/2"] = function (given, scope, input, path, emit) {
  jqUnfold(function (value, place, next) {
    if (!jqFirstTrue(jqOutputs(given[0], scope, value))) { jqEval(given[1], scope, value, place, next); }
  }, null, input, path, function (value, place) {
    if (jqFirstTrue(jqOutputs(given[0], scope, value))) { emit(value, place); }
  });
};

jqFunctions["in/1"] = function (input, value) { return jqHasKey(value, input); };

jqFunctions["inside/1"] = function (input, value) { return jqContains(value, input); };

jqFunctions["abs/0"] = function (input) { return Math.abs(jqNumeric(input)); };

jqFunctions["ceil/0"] = function (input) { return Math.ceil(jqNumeric(input)); };

jqFunctions["round/0"] = function (input) {
  return (input < 0 ? -1 : 1) * Math.floor(Math.abs(jqNumeric(input)) + 0.5);
};

jqFunctions["sqrt/0"] = function (input) { return Math.sqrt(jqNumeric(input)); };

jqFunctions["fromjson/0"] = function (input) {
  try { return JSON.parse(jqPlain(input, "cannot be parsed as JSON")); } catch (error) {
    throw error.jqValue ? error : jqError(jqShow(input) + " cannot be parsed as JSON");
  }
};
