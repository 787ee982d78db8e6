-- discd.lua: the configuration of discd, a Discovery Proxy (RFC 8766).
--
-- This file is a small working configuration with every other key in comments: its
-- default, or an example where the default is none. Copy it to /etc/discd.lua, put in
-- your own names, and look before you leap:
--
--     discd --check                  prints every problem as FILE:LINE: text, or nothing
--     discd --check --print-json     prints what results, with all defaults
--     systemctl reload discd         (or kill -HUP): a wrong file changes nothing
--
-- It is Lua 5.3. What is assigned to a global name is configuration; a variable of
-- your own is `local`. env('NAME') reads the environment, include('FILE') gives what
-- another file returns. Times are seconds or '500ms', '10m', '7d'; sizes are bytes or
-- '64k', '4M'. Names are plain UTF-8: 'Floor 1.example.com'.
-- docs/configuration.md explains every key.

-- The daemon's own name. It stands in SOA and NS records, and must lie outside every
-- zone below. Delegate each zone to it in the parent zone:
--     floor1.example.com.  NS  px.example.com.
-- `discli delegation print example.com` writes these records.
-- Default: the host's full name.
hostname = 'px.example.com'

-- One entry for each link. The first entry whose name fits an interface is used.
interfaces = {
  {
    name = 'eth0.10',                      -- or a pattern: 'eth0.*'
    subdomain = 'Floor 1.example.com',     -- where this link's services are found
    hosts = 'floor1.example.com',          -- where its host names are found
    reverse = { '10.1.0.0/24' },           -- its addresses; true: all of the interface's

    -- aliases   = { 'floor1.mesh' },      -- more names of the service zone
    -- allow     = { '10.0.0.0/8' },       -- who may ask for these zones
    -- announce  = { lb = { 'Floor 1.example.com' } }, -- told to this link by multicast
    -- realm     = 'east',                 -- see realms
    -- ipv4      = true,
    -- ipv6      = true,
  },
  {
    name = 'eth0.20',
    subdomain = 'floor2.example.com',
  },
  -- { name = 'eth0.30', subdomain = 'floor3.example.com', mode = 'update' }, -- kept on another server, see update
  { name = 'eth1', disable = true },       -- no mDNS here
}

-- A hundred VLANs need no hundred entries:
--
-- for vlan = 100, 199 do
--   table.insert(interfaces, { name = 'eth0.' .. vlan, subdomain = 'vlan' .. vlan .. '.example.com' })
-- end

-- contact     = 'hostmaster@example.com'  -- default: hostmaster@ the domain of hostname
-- domain      = 'home.arpa'               -- parent of zones that no subdomain names
-- listen      = { '192.0.2.53', '2001:db8::53' }     -- default: every address, as they change
-- port        = { udp = 53, tcp = 53, tls = 853, llq = 5352, push = 853 }
-- certificate = { crt = 'cert.pem', key = 'privkey.pem', chain = 'chain.pem' }
--                                         -- default: /etc/letsencrypt/live/<hostname>/ if there; or 'self-signed'
-- allow       = { 'private', 'connected' }           -- who may ask: resolvers, mostly
-- refuse      = 'answer'                             -- or 'drop'
-- nameservers = { 'px2.example.com' }                -- fellow proxies of the same links
-- nsid        = 'px1'                                -- RFC 5001
-- realms      = { east = { '10.0.0.0/9' }, west = { '10.128.0.0/9' } }

-- These may also stand in an entry of interfaces, for that link alone.
-- services  = { default = 'allow', deny = { '_ssh._tcp' } }
-- translate = { { type = '_ipp._tcp', txt = { URF = 'none' }, subtypes = { '_universal' } } }
-- warm      = { '_ipp._tcp', '_airplay._tcp' }       -- types kept asked for
-- rate      = 20                                     -- mDNS query packets a second
-- wait      = 6                                      -- longest wait for a first answer
-- gather    = 0.2                                    -- browsing: wait after the first answer
-- ttl       = 10                                     -- cap of TTLs in answers
-- suppress  = true                                   -- withhold what others cannot use

-- For links with mode = 'update': where their records go, and the key that signs the updates. Nobody else may read
-- the file, which `tsig-keygen discd` writes. Default: the server is found by SRV and SOA records; a key there has to be.
-- update    = { server = '192.0.2.1', key = { file = '/etc/discd.key' } }
-- state     = '/var/lib/discd'                       -- what must survive a restart

-- browse    = { b = { 'example.com' }, lb = { 'Floor 1.example.com' } }
-- records   = { { name = 'intranet.floor1.example.com', type = 'A', data = '192.0.2.7' } }
-- zones     = { 'mesh' }                             -- zones made of records alone
-- rotate    = false                                  -- several addresses leave in turn
-- cookies   = { secret = env('DISCD_COOKIES') }      -- RFC 7873: 32 hex digits, shared with fellow servers
-- log       = { level = 'info', queries = 'none', clients = 'full' }
-- http      = { listen = { '127.0.0.1:8053', '/run/discd/http' }, token = env('DISCD_TOKEN'), tls = false } -- or false
-- limits    = { answer_cache = '64M', connections = 12000 }
