/*
 * Values as Python writes them.
 *
 * A yadage command is a Python format string. Its fields are filled as str(), repr() and format() would fill
 * them, which differs from JSON and from JavaScript: True, None, 1e-07, 2.0, 'quoted items of a nested list'.
 *
 *   pyText(value, floats)     text of a whole parameter in a command: the elements of a list joined by blanks
 *   pyStr(value, floats)      str(value): text of a part of a parameter, {parameter[key]}
 *   pyRepr(value, floats)     repr(value)
 *   shellWords(value, floats) the value quoted for a shell: one word, or one for each element of a list
 *   pyFormat(value, spec, conversion, floats)   {parameter!conversion:spec}; a list is joined by blanks first
 *
 * floats: true when the numbers in the value are Python floats. JSON writes 2 and 2.0 alike; without the flag a
 *         whole number is a Python int. Numbers with a fraction are floats in any case.
 * A File or Directory stands for its path.
 */

function pyText(value, floats) {
  if (Array.isArray(value)) {
    return value.map(function (item) { return pyStr(item, floats); }).join(" ");
  }
  return pyStr(value, floats);
}

function pyStr(value, floats) {
  var plain = pyPath(value);
  return typeof plain === "string" ? plain : pyRepr(plain, floats);
}

function pyRepr(value, floats) {
  var plain = pyPath(value);
  if (plain === null || plain === undefined) { return "None"; }
  if (plain === true) { return "True"; }
  if (plain === false) { return "False"; }
  if (typeof plain === "number") { return pyIsFloat(plain, floats) ? pyFloatText(plain) : pyIntText(plain); }
  if (typeof plain === "string") { return pyQuoted(plain); }
  if (Array.isArray(plain)) {
    return "[" + plain.map(function (item) { return pyRepr(item, floats); }).join(", ") + "]";
  }
  return "{" + Object.keys(plain).map(function (key) {
    return pyQuoted(key) + ": " + pyRepr(plain[key], floats);
  }).join(", ") + "}";
}

/* The path of a File or Directory; any other value unchanged. */
function pyPath(value) {
  if (value === null || typeof value !== "object") { return value; }
  if (value["class"] !== "File" && value["class"] !== "Directory") { return value; }
  if (typeof value.path !== "string") {
    throw new Error(value["class"] + " without a path cannot be written as text");
  }
  return value.path;
}

function pyIsFloat(number, floats) {
  return floats === true || !isFinite(number) || Math.floor(number) !== number;
}

/* Decimal digits of |number| without an exponent, as few as identify the number. */
function pyDigits(number) {
  var parts = Math.abs(number).toExponential().split("e");
  return { digits: parts[0].replace(".", ""), exponent: Number(parts[1]) };
}

function pyRepeat(text, times) {
  return times > 0 ? new Array(times + 1).join(text) : "";
}

function pyIntText(number) {
  var shown = pyDigits(number);
  var digits = shown.digits + pyRepeat("0", shown.exponent + 1 - shown.digits.length);
  return (number < 0 ? "-" : "") + digits;
}

function pyIsNegative(number) {
  return number < 0 || (number === 0 && 1 / number < 0);
}

function pyExponent(exponent) {
  return "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
}

/* Digits with the decimal point after the first `whole` of them; zeros fill both sides. */
function pyPointed(digits, whole) {
  if (whole <= 0) { return "0." + pyRepeat("0", -whole) + digits; }
  if (whole >= digits.length) { return digits + pyRepeat("0", whole - digits.length); }
  return digits.slice(0, whole) + "." + digits.slice(whole);
}

/* repr() of a float. */
function pyFloatText(number) {
  var shown, text;
  if (number !== number) { return "nan"; }
  if (!isFinite(number)) { return number < 0 ? "-inf" : "inf"; }
  shown = pyDigits(number);
  if (shown.exponent < -4 || shown.exponent >= 16) {
    text = pyPointed(shown.digits, 1) + pyExponent(shown.exponent);
  } else {
    text = pyPointed(shown.digits, shown.exponent + 1);
    if (text.indexOf(".") < 0) { text += ".0"; }
  }
  return (pyIsNegative(number) ? "-" : "") + text;
}

/* repr() of a string: single quotes unless it holds one and no double quote. */
function pyQuoted(text) {
  var quote = text.indexOf("'") >= 0 && text.indexOf('"') < 0 ? '"' : "'";
  var short = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  /* A whole surrogate pair is matched first, and kept: only a lone half is escaped. */
  var special = new RegExp(
    "[\\ud800-\\udbff][\\udc00-\\udfff]|[\\\\'\"\\x00-\\x1f\\x7f-\\xa0\\xad\\u0378\\u0379" +
    "\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000" +
    "\\ud800-\\uf8ff\\ufeff\\ufff0-\\ufffb\\ufffe\\uffff]",
    "g"
  );
  return quote + text.replace(special, function (found) {
    var code = found.charCodeAt(0).toString(16);
    if (found.length === 2) { return found; }
    if (short.hasOwnProperty(found)) { return short[found]; }
    if (found === "'" || found === '"') { return found === quote ? "\\" + found : found; }
    return code.length < 3 ? "\\x" + ("0" + code).slice(-2) : "\\u" + ("0" + code).slice(-4);
  }) + quote;
}

/* A value as words for a shell, which looks at nothing in them; a list gives one word for each element. */
function shellWords(value, floats) {
  return (Array.isArray(value) ? value : [value]).map(function (item) {
    return "'" + pyStr(item, floats).split("'").join("'\\''") + "'";
  }).join(" ");
}

function pyFormat(value, spec, conversion, floats) {
  var plain = Array.isArray(value) ? pyText(value, floats) : pyPath(value);
  var text = spec || "";
  var form;
  if (conversion === "r") { plain = pyRepr(plain, floats); }
  else if (conversion === "s") { plain = pyStr(plain, floats); }
  else if (conversion) { throw new Error("conversion !" + conversion + " is not supported"); }
  if (text === "") { return pyStr(plain, floats); }
  form = pyFormatSpec(text);
  if (typeof plain === "string") { return pyFormatString(plain, form); }
  if (typeof plain === "boolean") { return pyFormatNumber(plain ? 1 : 0, form, false); }
  if (typeof plain === "number") { return pyFormatNumber(plain, form, pyIsFloat(plain, floats)); }
  throw new Error("format '" + text + "' cannot be applied to " + pyRepr(plain, floats));
}

/* [[fill]align][sign][#][0][width][grouping][.precision][type] */
function pyFormatSpec(text) {
  var found = new RegExp(
    "^(?:((?:[\\ud800-\\udbff][\\udc00-\\udfff]|[\\s\\S])?)([<>=^]))?([-+ ]?)(#?)(0?)(\\d*)([,_]?)" +
    "(?:\\.(\\d+))?([bcdeEfFgGnosxX%]?)$"
  ).exec(text);
  if (!found) { throw new Error("format '" + text + "' is not supported"); }
  return {
    text: text, fill: found[1] || (found[5] && "0") || " ", align: found[2] || "", sign: found[3],
    alternate: found[4] !== "", zero: found[5] !== "", width: Number(found[6] || 0), grouping: found[7],
    precision: found[8] === undefined ? -1 : Number(found[8]), type: found[9]
  };
}

function pyFormatString(text, form) {
  var characters = text.match(/[\ud800-\udbff][\udc00-\udfff]|[\s\S]/g) || [];
  if ((form.type !== "" && form.type !== "s") || form.sign || form.alternate || form.grouping || form.align === "=") {
    throw new Error("format '" + form.text + "' cannot be applied to a string");
  }
  if (form.precision >= 0) { characters = characters.slice(0, form.precision); }
  return pyAligned("", characters.join(""), characters.length, form, "<");
}

function pyAligned(sign, text, length, form, usual) {
  var missing = form.width - sign.length - length;
  var align = form.align || usual;
  var left = align === "<" ? 0 : align === "^" ? Math.floor(missing / 2) : missing;
  if (missing <= 0) { return sign + text; }
  if (align === "=") { return sign + pyRepeat(form.fill, missing) + text; }
  return pyRepeat(form.fill, left) + sign + text + pyRepeat(form.fill, missing - left);
}

function pyFormatNumber(number, form, isFloat) {
  var type = form.type;
  var sign = pyIsNegative(number) ? "-" : form.sign === "-" ? "" : form.sign;
  var usual = form.zero ? "=" : ">";
  var body, whole, rest, room, cut;
  if (type === "s" || (type === "n" && form.grouping) || (isFloat && "bcdoxX".indexOf(type) >= 0 && type !== "")) {
    throw new Error("format '" + form.text + "' cannot be applied to " + (isFloat ? "a float" : "an int"));
  }
  if (type === "c") {
    if (form.sign || form.alternate || form.precision >= 0 || form.grouping || !(number >= 0 && number < 65536)) {
      throw new Error("format '" + form.text + "' cannot be applied to an int");
    }
    return pyAligned("", String.fromCharCode(number), 1, form, form.zero ? "=" : "<");
  }
  if (!isFloat && (type === "" || "bdnoxX".indexOf(type) >= 0)) { body = pyIntBody(Math.abs(number), form); }
  else { body = pyFloatBody(Math.abs(number), form); }
  if (body.prefix) { sign += body.prefix; }
  cut = body.text.search(/[.eE%]/);
  if (type === "x" || type === "X" || cut < 0 || !isFinite(number)) { cut = body.text.length; }
  if (!isFinite(number) && body.text.charAt(body.text.length - 1) === "%") { cut = body.text.length - 1; }
  whole = body.text.slice(0, cut);
  rest = body.text.slice(cut);
  if (form.fill === "0" && (form.align || usual) === "=") { room = form.width - sign.length - rest.length; }
  whole = pyGrouped(whole, form, room || 0);
  return pyAligned(sign, whole + rest, whole.length + rest.length, form, usual);
}

/* Separators between groups of digits. The zeros that fill a width take part in the grouping. */
function pyGrouped(digits, form, room) {
  var size = "boxX".indexOf(form.type) >= 0 && form.type !== "" ? 4 : 3;
  var padded = digits, text = digits;
  if (!form.grouping || !/^[0-9a-fA-F]+$/.test(digits)) { return digits; }
  if (form.grouping === "," && size === 4) { throw new Error("format '" + form.text + "' is not supported"); }
  for (;;) {
    text = padded.replace(new RegExp("([0-9a-fA-F])(?=(?:[0-9a-fA-F]{" + size + "})+$)", "g"), "$1" + form.grouping);
    if (text.length >= room) { return text; }
    padded = "0" + padded;
  }
}

function pyIntBody(number, form) {
  var base = { b: 2, o: 8, x: 16, X: 16 }[form.type];
  var text = base ? number.toString(base) : pyIntText(number);
  var prefix = base && form.alternate ? "0" + form.type : "";
  if (form.precision >= 0) { throw new Error("format '" + form.text + "': no precision for an int"); }
  return { text: form.type === "X" ? text.toUpperCase() : text, prefix: prefix };
}

function pyFloatBody(magnitude, form) {
  var type = form.type.toLowerCase();
  var number = type === "%" ? magnitude * 100 : magnitude;
  var precision = form.precision < 0 ? 6 : form.precision;
  var text;
  if (!isFinite(number)) { text = (number !== number ? "nan" : "inf") + (type === "%" ? "%" : ""); }
  else if (type === "f") { text = pyFixed(number, precision, form.alternate); }
  else if (type === "%") { text = pyFixed(number, precision, form.alternate) + "%"; }
  else if (type === "e") { text = pyScientific(number, precision, form.alternate); }
  else if (type === "" && form.precision < 0 && !form.alternate) { text = pyFloatText(number); }
  else if (type === "" && form.precision < 0) { text = pyFloatText(number).replace(/^(\d+)e/, "$1.e"); }
  else { text = pyGeneral(number, precision || 1, form.alternate, type === ""); }
  return { text: /[EFGX]/.test(form.type) ? text.toUpperCase() : text };
}

/* All decimal digits of a number: a double is a whole number times a power of two, hence a finite decimal. */
function pyExact(number) {
  var whole = number, twos = 0, halves = 0;
  var parts, text, left, carry;
  function times(part) {
    var product = part * Math.pow(halves ? 5 : 2, Math.min(left, 12)) + carry;
    carry = Math.floor(product / 1e7);
    return product % 1e7;
  }
  while (Math.floor(whole) !== whole) { whole *= 2; halves += 1; }
  while (whole > 9007199254740992) { whole /= 2; twos += 1; }
  /* Parts of seven digits, the last first: a part times 5^12 is still exact. One half is a 5 and a decimal place. */
  parts = [whole % 1e7, Math.floor(whole / 1e7) % 1e7, Math.floor(whole / 1e14)];
  for (left = halves || twos; left > 0; left -= 12) {
    carry = 0;
    parts = parts.map(times);
    if (carry) { parts.push(carry % 1e7); }
    if (carry >= 1e7) { parts.push(Math.floor(carry / 1e7)); }
  }
  text = parts.map(function (part) { return ("000000" + part).slice(-7); }).reverse().join("");
  text = text.replace(/^0+(?=\d)/, "");
  text = pyRepeat("0", halves + 1 - text.length) + text;
  return { digits: text, whole: text.length - halves };
}

/* The first `keep` digits, the rest rounded half to even; one digit more when the carry runs over. */
function pyRounded(digits, keep) {
  var kept = digits.slice(0, keep);
  var rest = digits.slice(keep);
  var odd = keep > 0 && Number(kept.charAt(keep - 1)) % 2 === 1;
  var up = rest.charAt(0) > "5" || (rest.charAt(0) === "5" && (/[1-9]/.test(rest.slice(1)) || odd));
  var i;
  if (!up) { return kept; }
  for (i = keep - 1; i >= 0 && kept.charAt(i) === "9"; i -= 1) { /* a nine carries on */ }
  if (i < 0) { return "1" + pyRepeat("0", keep); }
  return kept.slice(0, i) + String(Number(kept.charAt(i)) + 1) + pyRepeat("0", keep - 1 - i);
}

function pyFixed(number, precision, alternate) {
  var exact = pyExact(number);
  var keep = exact.whole + precision;
  var digits = pyRounded(exact.digits + pyRepeat("0", keep - exact.digits.length), keep);
  var whole = digits.length - precision;
  return (digits.slice(0, whole) || "0") + (precision || alternate ? "." : "") + digits.slice(whole);
}

/* Digits and decimal exponent of a number, rounded to `count` digits. */
function pySignificant(number, count) {
  var exact = pyExact(number);
  var zeros = /^0*/.exec(exact.digits)[0].length;
  var digits, rounded;
  if (number === 0) { return { digits: pyRepeat("0", count), exponent: 0 }; }
  digits = exact.digits.slice(zeros);
  rounded = pyRounded(digits + pyRepeat("0", count - digits.length), count);
  return { digits: rounded.slice(0, count), exponent: exact.whole - zeros - 1 + (rounded.length > count ? 1 : 0) };
}

function pyScientific(number, precision, alternate) {
  var shown = pySignificant(number, precision + 1);
  var point = precision || alternate ? "." : "";
  return shown.digits.charAt(0) + point + shown.digits.slice(1) + pyExponent(shown.exponent);
}

/* Presentation type g; `typeless` is the variant without a letter, which shows a float as a float (2.0). */
function pyGeneral(number, precision, alternate, typeless) {
  var shown = pySignificant(number, precision);
  var exponential = shown.exponent < -4 || shown.exponent >= precision - (typeless ? 1 : 0);
  var digits = alternate ? shown.digits : shown.digits.replace(/0+$/, "") || "0";
  var text = pyPointed(digits, exponential ? 1 : shown.exponent + 1);
  if (alternate && text.indexOf(".") < 0) { text += "."; }
  if (typeless && !exponential && !/\.\d/.test(text)) { text = text.replace(".", "") + ".0"; }
  return text + (exponential ? pyExponent(shown.exponent) : "");
}
