# Records and nested lists in a command line; enums tell which record of a union it is.
cwlVersion: v1.2
class: CommandLineTool
requirements:
  SchemaDefRequirement:
    types:
      - name: Slow
        type: record
        fields:
          - {name: kind, type: {type: enum, name: slow, symbols: [slow]}, inputBinding: {position: 0}}
          - {name: limit, type: int?, inputBinding: {position: 1, prefix: --slow-limit}}
      - name: Fast
        type: record
        fields:
          - {name: kind, type: {type: enum, name: fast, symbols: [fast]}, inputBinding: {position: 0}}
          - {name: limit, type: int?, inputBinding: {position: 1, prefix: --fast-limit}}
inputs:
  pair:
    type:
      type: record
      fields:
        - {name: last, type: int, inputBinding: {position: 2, prefix: -l}}
        - {name: first, type: int, inputBinding: {position: 1, prefix: -f}}
    inputBinding: {position: 2, prefix: --pair}
  table:
    type: {type: array, items: {type: array, items: string}}
    inputBinding: {position: 1}
  stages:
    type: {type: array, items: [Slow, Fast]}
    inputBinding: {position: 3}
  small: {type: float, inputBinding: {position: 4}}
baseCommand: [printf, '%s\n']
stdout: line.txt
outputs: {line: stdout}
