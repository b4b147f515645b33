import type { Reporter } from "knip";

/** Says how many files knip looked at, since a list of nothing may also come from looking at nothing. */
const reporter: Reporter = ({ counters }) => {
  console.log(`knip: ${counters.processed} files`);
};
export default reporter;
