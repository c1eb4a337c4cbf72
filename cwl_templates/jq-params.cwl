cwlVersion: v1.2
class: ExpressionTool
doc: Parameter objects of a jq-stage of yadage. The programs are trees (recast_bridge.cwl.jq.parse).
requirements:
  InlineJavascriptRequirement:
    expressionLib:
      - $include: jq.js
      - $include: jq-update.js
      - $include: jq-more.js
inputs:
  bindings: Any
  stepscript: Any
  postscript: Any
  index: Any
outputs:
  result: Any[]
expression: "${return {result: jqStage(inputs.bindings, inputs.stepscript, inputs.postscript, inputs.index)};}"
