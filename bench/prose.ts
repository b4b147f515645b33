import { createRandom, type Random } from "./random.ts";

/** The most frequent words, most frequent first, as they come in notes of working agents. */
const COMMON = `the to of and a in is for that it on with as was this be are not by or from at have an which has but will when were can
we all their if one so no there they its may what more about after only who up into other new also been then now would some time
first because should any each our them than where before over must two between does most very while still how same until both those
task agent note plan state file run result step check team project review change user context summary decision reason question answer
memory queue worker lease backup restore database schema version release branch test error warning deadline budget request response
model prompt token session checkpoint index search document source target owner status report service endpoint policy limit retry
open close write read found keep move start stop wait ready failed done next last every morning week today yesterday customer invoice
meeting draft follow agreed blocked waiting measured expected observed confirmed unclear probably however therefore although instead`.split(
  /\s+/,
);

const ONSETS = ["b", "br", "c", "cl", "d", "f", "g", "gr", "h", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "tr", "v"];
const NUCLEI = ["a", "e", "i", "o", "u", "ai", "ea", "io", "ou"];
const CODAS = ["", "", "n", "r", "l", "s", "t", "nd", "rm", "ct", "sh"];

/**
 * A model of prose: words by Zipf's law, and collocations that come back. Tuned so that gzip -6 makes of it
 * what it makes of real notes, between a third and a quarter.
 */
export interface Prose {
  word(): string;
  sentence(): string;
  /** About `length` characters in sentences, never fewer. */
  paragraph(length: number): string;
  title(): string;
  /** A note in markdown of exactly `length` characters (all ASCII, so bytes as well). */
  note(length: number): string;
}

/** The vocabulary is a function of the seed alone: every stream of one workload writes in the same language. */
function makeVocabulary(seed: number): { readonly words: string[]; readonly phrases: string[] } {
  const random = createRandom(seed, "vocabulary");
  const words = [...COMMON];
  while (words.length < 6000) {
    let word = "";
    for (let syllable = random.between(1, 3); syllable >= 0; syllable -= 1) {
      word += random.pick(ONSETS) + random.pick(NUCLEI) + random.pick(CODAS);
    }
    words.push(word);
  }
  const phrases: string[] = [];
  while (phrases.length < 1500) {
    const parts: string[] = [];
    for (let count = random.between(3, 7); count > 0; count -= 1) parts.push(zipf(words, random));
    phrases.push(parts.join(" "));
  }
  return { words, phrases };
}

/** Rank r with a probability near 1/r: a uniform choice of the logarithm. */
function zipf(items: readonly string[], random: Random): string {
  const rank = Math.floor(Math.exp((random.bits() / 4_294_967_296) * Math.log(items.length)));
  return items[Math.min(rank, items.length) - 1] as string;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const vocabularies = new Map<number, ReturnType<typeof makeVocabulary>>();

export function createProse(seed: number, random: Random): Prose {
  let vocabulary = vocabularies.get(seed);
  if (vocabulary === undefined) vocabularies.set(seed, (vocabulary = makeVocabulary(seed)));
  const { words, phrases } = vocabulary;
  const word = (): string => zipf(words, random);
  const sentence = (): string => {
    let text = "";
    for (let parts = random.between(2, 6); parts > 0; parts -= 1) {
      text += (text === "" ? "" : " ") + (random.below(10) < 4 ? zipf(phrases, random) : `${word()} ${word()}`);
    }
    const kind = random.below(16);
    if (kind === 0) text += ` ${random.below(10_000)}`;
    else if (kind === 1) text += `, see [${word()}](${word()}-${random.below(3000)}.md)`;
    else if (kind === 2) text += ` (\`${word()}_${word()}\`)`;
    return `${capital(text)}.`;
  };
  const paragraph = (length: number): string => {
    let text = sentence();
    while (text.length < length) text += ` ${sentence()}`;
    return text;
  };
  const title = (): string => capital(`${word()} ${zipf(phrases, random)}`);
  const note = (length: number): string => {
    const day = `2026-${String(random.between(1, 12)).padStart(2, "0")}-${String(random.between(1, 28)).padStart(2, "0")}`;
    let text = `---\ntitle: ${title()}\ncreated: ${day}\nagent: agent-${random.below(30)}\ntags: [${word()}, ${word()}]\n---\n\n# ${title()}\n`;
    while (text.length < length) {
      const kind = random.below(8);
      if (kind === 0) text += `\n## ${title()}\n`;
      else if (kind < 3) {
        text += "\n";
        for (let items = random.between(2, 5); items > 0; items -= 1) text += `- ${random.below(3) === 0 ? "[x] " : ""}${sentence()}\n`;
      } else text += `\n${paragraph(random.between(120, 500))}\n`;
    }
    return `${text.slice(0, length - 1)}\n`;
  };
  return { word, sentence, paragraph, title, note };
}
