# SPDX-License-Identifier: GPL-3.0-or-later
# Public-domain novels + tinyshakespeare -> text splits, byte-level BPE (GPT-2 alphabet), token arrays.
# usage: prep.py BOOKS_DIR TINYSHAKESPEARE.txt   (BOOKS_DIR holds the plain-text files named below)
import sys,re,json,numpy as np,collections
BOOKS,SHAKESPEARE=sys.argv[1:3]
src=['1342.txt','1661.txt','1400-0.txt','2600-0.txt','16215.txt','18304.txt']   # Project Gutenberg numbers
train=[];valid=[]
for p in src:
    b=open(BOOKS+'/'+p,'rb').read()
    t=b.decode('utf8','replace').replace('\r\n','\n').lstrip('\ufeff')
    a=re.search(r'\*\*\* ?START OF.*?\*\*\*',t); z=re.search(r'\*\*\* ?END OF',t)
    t=t[a.end() if a else 0: z.start() if z else len(t)]
    t=re.sub(r'(?<!\n)\n(?!\n)',' ',t)           # unwrap hard line breaks
    t=re.sub(r'\n{3,}','\n\n',t); t=re.sub(r' {2,}',' ',t)
    for u,v in (('\u201c','"'),('\u201d','"'),('\u2018',"'"),('\u2019',"'"),('\u2014','--')): t=t.replace(u,v)
    k=int(len(t)*0.94); k=t.rfind('\n\n',0,k)
    train.append(t[:k].strip()); valid.append(t[k:].strip())
t=open(SHAKESPEARE).read(); k=t.rfind('\n\n',0,int(len(t)*0.94)); train.append(t[:k]); valid.append(t[k:].strip())
tr='\n\n'.join(train); va='\n\n'.join(valid); open('train.txt','w').write(tr); open('valid.txt','w').write(va)
pat=re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z\u00c0-\u024f]+| ?[0-9]+| ?[^\sA-Za-z0-9\u00c0-\u024f]+|\s+(?!\S)|\s+")
words=collections.Counter(pat.findall(tr))
def b2u():
    bs=list(range(33,127))+list(range(161,173))+list(range(174,256)); cs=bs[:]; n=0
    for b in range(256):
        if b not in bs: bs.append(b); cs.append(256+n); n+=1
    return dict(zip(bs,map(chr,cs)))
B=b2u(); V=2048; special=['<|endoftext|>']
toks=special+[B[i] for i in range(256)]; ids={t:i for i,t in enumerate(toks)}
W=[[ [B[c] for c in w.encode()],n] for w,n in words.items()]
pairs=collections.Counter(); where=collections.defaultdict(set)
for i,(s,n) in enumerate(W):
    for a,b in zip(s,s[1:]): pairs[a,b]+=n; where[a,b].add(i)
merges=[]
while len(toks)<V:
    (a,b),c=max(pairs.items(),key=lambda x:(x[1],x[0])); 
    if c<2: break
    merges.append((a,b)); new=a+b
    if new not in ids: ids[new]=len(toks); toks.append(new)
    for i in list(where[a,b]):
        s,n=W[i]
        for x,y in zip(s,s[1:]): 
            pairs[x,y]-=n
            if pairs[x,y]<=0: del pairs[x,y]
            where[x,y].discard(i)
        o=[];j=0
        while j<len(s):
            if j+1<len(s) and s[j]==a and s[j+1]==b: o.append(new); j+=2
            else: o.append(s[j]); j+=1
        W[i][0]=o
        for x,y in zip(o,o[1:]): pairs[x,y]+=n; where[x,y].add(i)
rank={m:i for i,m in enumerate(merges)}; cache={}
def enc_word(w):
    if w in cache: return cache[w]
    s=[B[c] for c in w.encode()]
    while len(s)>1:
        r,i=min((rank.get((s[i],s[i+1]),1<<30),i) for i in range(len(s)-1))
        if r==1<<30: break
        m=s[i]+s[i+1]; a,b=s[i],s[i+1]; o=[];j=0
        while j<len(s):
            if j+1<len(s) and s[j]==a and s[j+1]==b: o.append(m); j+=2
            else: o.append(s[j]); j+=1
        s=o
    r=[ids[x] for x in s]; cache[w]=r; return r
def enc(t): 
    out=[]
    for w in pat.findall(t): out+=enc_word(w)
    return out
json.dump({'tokens':toks,'merges':[list(m) for m in merges]},open('bpe.json','w'))
for n,t in (('train',tr),('valid',va)):
    e=np.array(enc(t),dtype=np.uint16); e.tofile(n+'.u16'); print(n,len(t),len(e),len(t)/len(e))
