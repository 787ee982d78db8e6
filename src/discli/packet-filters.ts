// Keys of `show packets KEY=VALUE`.

export const packetFilters = ["if", "link", "name", "type", "direction", "source"] as const;
