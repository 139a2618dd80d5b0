# shellcheck shell=bash
case "$(uname -m)" in
  x86_64 | amd64) url=$URL_AMD64 member=$MEMBER_AMD64 checksum=$SHA256_AMD64 ;;
  aarch64 | arm64) url=$URL_ARM64 member=$MEMBER_ARM64 checksum=$SHA256_ARM64 ;;
  *)
    echo "No $TOOL is pinned for this machine: $(uname -m)." >&2
    exit 1
    ;;
esac
got="$TOOLS/$TOOL.download"
curl --fail --silent --show-error --location --proto =https --tlsv1.2 --retry 3 --output "$got" "$url"
if ! echo "$checksum  $got" | sha256sum --check --status; then
  echo "$url has not the checksum that was pinned: $checksum" >&2
  exit 1
fi
case "$url" in
  *.tar.gz) tar -xzf "$got" -C "$TOOLS" "$member" ;;
  *.zip) python3 -m zipfile --extract "$got" "$TOOLS" ;;
esac
mv "${member:+$TOOLS/}${member:-$got}" "$TOOLS/bin/$TOOL"
chmod 755 "$TOOLS/bin/$TOOL"
