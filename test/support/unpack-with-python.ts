/**
 * The program and its first arguments that unpack the archive given next into the folder given last, with Python's tarfile as it is: everything
 * as it was stored. Debian's Python of 2023 has no filters yet, and newer ones want one named.
 */
export const UNPACK_WITH_PYTHON: readonly string[] = [
  "python3",
  "-c",
  "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], **({'filter': 'fully_trusted'} if hasattr(tarfile, 'fully_trusted_filter') else {}))",
];
