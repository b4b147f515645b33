/** Under which the place of the built command is told to tests and to what they start. */
export const BUILT_COMMAND = "BUILT_HOLDFAST";
