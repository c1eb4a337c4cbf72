# Expressions that only the given values answer: loops, lists that grow, regular expressions, sizes.
cwlVersion: v1.2
class: CommandLineTool
requirements:
  InlineJavascriptRequirement: {}
inputs:
  words: string[]
  file: {type: File, loadContents: true}
  folder: {type: Directory, loadListing: shallow_listing}
  choice: [File, "File[]"]
baseCommand: printf
arguments:
  - '%s\n'
  - valueFrom: |
      ${
        var found = [];
        for (var i = 0; i < inputs.words.length; i++) {
          if (/^[a-m]/.test(inputs.words[i])) { found.push(inputs.words[i].toUpperCase()); }
        }
        return found;
      }
  - $(inputs.file.contents.split(/\r?\n/)[1])
  - '${ return inputs.folder.listing.map(function (item) { return item.basename; }).sort().join("+"); }'
  - '${ var all = Array.isArray(inputs.choice) ? inputs.choice : [inputs.choice]; return all.length; }'
  - $(inputs.file.size * 2)
stdout: said.txt
outputs:
  said: stdout
  total:
    type: int
    outputBinding:
      outputEval: |
        ${ var sum = 0; inputs.words.forEach(function (word) { sum += word.length; }); return sum; }
