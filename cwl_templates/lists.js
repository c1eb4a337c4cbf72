/*
 * Lists between the stages of a workflow. Elements may be of any kind; none is changed.
 *
 *   unwrapSingle(list)       the element of a list of one; any other list as it is
 *   flattenOnce(list)        elements that are lists are replaced by their own elements, one level deep
 *   batches(list, size)      consecutive parts of `size` elements, the last may be shorter
 *   partitions(list, count)  `count` consecutive parts of nearly equal length, the longer ones last; never an
 *                            empty part: a list shorter than `count` gives one part per element
 *   zipShortest(lists)       an array (or object) of lists, each cut to the length of the shortest
 *   elementAt(list, index)   one element, counted from 0; an index outside the list is an error
 *   partOfEach(list, path)   from every element the part that keys and indices lead to; a missing one is an error
 *   mergeCases(lists)        lists of equal length, one per case, null where the case did not apply: at each
 *                            position the first value that is not null; positions without one are left out
 *   characters(text)         the characters of a string, one string each
 */

function unwrapSingle(list) {
  return list.length === 1 ? list[0] : list;
}

function flattenOnce(list) {
  return list.reduce(function (all, item) { return all.concat(Array.isArray(item) ? item : [item]); }, []);
}

function batches(list, size) {
  var parts = [];
  var begin;
  if (!(size > 0)) { throw new Error("a batch cannot hold " + size + " elements"); }
  for (begin = 0; begin < list.length; begin += size) { parts.push(list.slice(begin, begin + size)); }
  return parts;
}

function partitions(list, count) {
  var parts = [];
  var number = Math.min(count, list.length);
  var begin = 0;
  var end, i;
  for (i = 0; i < number; i += 1) {
    end = begin + Math.floor((list.length + i) / number);
    parts.push(list.slice(begin, end));
    begin = end;
  }
  return parts;
}

function zipShortest(lists) {
  var keys = Object.keys(lists);
  var shortest = keys.reduce(function (least, key) { return Math.min(least, lists[key].length); }, Infinity);
  return keys.reduce(function (cut, key) {
    cut[key] = lists[key].slice(0, shortest);
    return cut;
  }, Array.isArray(lists) ? [] : {});
}

function elementAt(list, index) {
  if (!(index >= 0 && index < list.length)) {
    throw new Error("there is no element " + index + " in a list of " + list.length);
  }
  return list[index];
}

function partOfEach(list, path) {
  return list.map(function (item) {
    return path.reduce(function (part, key) {
      if (part === null || typeof part !== "object" || part[key] === undefined) {
        throw new Error("there is no " + JSON.stringify(path) + " in " + JSON.stringify(item));
      }
      return part[key];
    }, item);
  });
}

function mergeCases(lists) {
  var first = lists[0] || [];
  lists.forEach(function (list) {
    if (list.length !== first.length) { throw new Error("the lists of the cases differ in length"); }
  });
  return first.map(function (ignored, index) {
    return lists.reduce(function (found, list) { return found === null ? list[index] : found; }, null);
  }).filter(function (item) { return item !== null; });
}

function characters(text) {
  return text.match(/[\ud800-\udbff][\udc00-\udfff]|[\s\S]/g) || [];
}
