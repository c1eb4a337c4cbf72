# A document of one version runs a tool of a newer one; a value that stands in quotation marks is scattered with.
cwlVersion: v1.0
class: Workflow
requirements: {ScatterFeatureRequirement: {}, StepInputExpressionRequirement: {}}
inputs: {words: "string[]"}
outputs:
  said: {type: "File[]", outputSource: say/said}
steps:
  say:
    run: tools/newer-version.cwl
    scatter: word
    in: {word: words, greeting: {valueFrom: "Good day"}}
    out: [said]
